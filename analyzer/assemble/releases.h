/*
 * When an object's waiters were let go, and by whom, in order of time. Memory is bounded: of too
 * many, neighbours close to each other become one, which is either of them by the chance of the
 * time before it. What is summed up by who let go then stays right on average, and whole.
 */
#ifndef CTRACE_ASSEMBLE_RELEASES_H
#define CTRACE_ASSEMBLE_RELEASES_H

#include "model/sink.h"

#define CT_RELEASES_MAX 65536

struct ct_releases {
    struct ct_wake *wakes; /* owned; by time */
    size_t count;
    size_t capacity;
    uint64_t random;   /* xorshift state; 0: not used yet */
    uint64_t grain_ns; /* so finely they are told apart, but the newest */
};

void ct_releases_clear(struct ct_releases *releases);

/* They come almost in order of time. */
void ct_releases_add(struct ct_releases *releases, const struct ct_wake *wake);

/* How many of them were no later than this. */
size_t ct_releases_until(const struct ct_releases *releases, uint64_t time_ns);

#endif
