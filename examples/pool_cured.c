/*
 * pool.c, cured: objects that are given back are kept, and the next request takes one of them.
 * There are as many made as requests at a time: here one.
 */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned made;
static unsigned served;

enum { REQUESTS = 20000, BODY_BYTES = 16384, USED_BYTES = 512 };

struct request {
    struct request *next; /* in the pool */
    unsigned number;
    char body[BODY_BYTES];
};

static struct request *pool;

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
    struct request *request = pool;

    if (request == NULL)
        return make_request();
    pool = request->next;
    return request;
}

static void give_back(struct request *request)
{
    request->next = pool;
    pool = request;
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
    printf("pool_cured: served %u requests with %u objects made in %.0f ms\n", served, made,
           ns_to_ms(clock_now_ns() - begin_ns));
    while (pool != NULL) {
        struct request *request = pool;

        pool = request->next;
        free(request);
    }
    return 0;
}
