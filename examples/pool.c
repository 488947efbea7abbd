/*
 * An object for each request: 20,000 requests, and as many objects of 16 KB that are made
 * for them, and thrown away a moment later.
 *
 * The allocs profile shows it at once: alloc_objects and alloc_space are all in make_request,
 * and the CPU profile what it costs to make them.
 * pool_cured.c is the same program with a pool of objects that are used again.
 */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned made;
static unsigned served;

enum { REQUESTS = 20000, BODY_BYTES = 16384, USED_BYTES = 512 };

struct request {
    unsigned number;
    char body[BODY_BYTES];
};

/* What takes a while, and is the same for every request: the body's form. */
static __attribute__((noinline)) struct request *make_request(void)
{
    struct request *request = malloc(sizeof(struct request));

    if (request != NULL)
        memset(request->body, ' ', BODY_BYTES);
    made++;
    return request;
}

static struct request *take_request(void)
{
    return make_request(); /* the disease: once for every request */
}

static void give_back(struct request *request)
{
    free(request);
}

static void serve(struct request *request, unsigned number)
{
    request->number = number;
    memset(request->body, (int)(number & 0x7f), USED_BYTES);
    served += request->body[USED_BYTES - 1] == (char)(number & 0x7f);
}

int main(void)
{
    uint64_t begin_ns = clock_now_ns();

    for (unsigned i = 0; i < REQUESTS; i++) {
        struct request *request = take_request();

        if (request == NULL)
            return 1;
        serve(request, i);
        give_back(request);
    }
    printf("pool: served %u requests with %u objects made in %.0f ms\n", served, made,
           ns_to_ms(clock_now_ns() - begin_ns));
    return 0;
}
