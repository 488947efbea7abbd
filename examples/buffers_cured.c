/*
 * buffers.c, cured: all messages are decoded into one buffer. What the last one left in it is
 * overwritten, and what is behind the new one is not looked at, so that nothing needs to be
 * cleared.
 */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 1000, MESSAGE_BYTES = 4096, BUFFER_BYTES = 1 << 20 };

static unsigned allocations;
static uint64_t decoded_bytes;

static char *make_buffer(void)
{
    allocations++;
    return malloc(BUFFER_BYTES);
}

static void decode_message(const char *message, char *buffer)
{
    memcpy(buffer, message, MESSAGE_BYTES);
    decoded_bytes += strnlen(buffer, MESSAGE_BYTES);
}

int main(void)
{
    static char message[MESSAGE_BYTES];
    uint64_t begin_ns = clock_now_ns();
    char *buffer = make_buffer();

    if (buffer == NULL)
        return 1;
    memset(message, 'm', MESSAGE_BYTES - 1);
    for (int i = 0; i < MESSAGES; i++)
        decode_message(message, buffer);
    printf("buffers_cured: decoded %llu bytes with %u allocation in %.0f ms\n",
           (unsigned long long)decoded_bytes, allocations, ns_to_ms(clock_now_ns() - begin_ns));
    free(buffer);
    return 0;
}
