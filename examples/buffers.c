/*
 * A buffer for each message: 1,000 messages of 4 KB, each of which gets 1 MB of cleared memory to
 * be decoded into.
 *
 * The allocs profile shows it (1 GB in decode_message), and the CPU profile what it costs: memory
 * that is cleared, and pages that the kernel hands out, called by calloc. buffers_cured.c is the
 * same program with one buffer that is used again.
 */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 1000, MESSAGE_BYTES = 4096, BUFFER_BYTES = 1 << 20 };

static unsigned allocations;
static uint64_t decoded_bytes;

static int decode_message(const char *message)
{
    char *buffer = calloc(1, BUFFER_BYTES); /* the disease: cleared, for every message */

    if (buffer == NULL)
        return -1;
    allocations++;
    memcpy(buffer, message, MESSAGE_BYTES);
    decoded_bytes += strlen(buffer);
    free(buffer);
    return 0;
}

int main(void)
{
    static char message[MESSAGE_BYTES];
    uint64_t begin_ns = clock_now_ns();

    memset(message, 'm', MESSAGE_BYTES - 1);
    for (int i = 0; i < MESSAGES; i++)
        if (decode_message(message) != 0)
            return 1;
    printf("buffers: decoded %llu bytes with %u allocations in %.0f ms\n",
           (unsigned long long)decoded_bytes, allocations, ns_to_ms(clock_now_ns() - begin_ns));
    return 0;
}
