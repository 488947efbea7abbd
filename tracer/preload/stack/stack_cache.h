/*
 * Stacks that a thread takes again and again at one place. Of such a stack it is noted where in
 * memory lies what an unwinder goes by: the return addresses, and the frame pointers that tell how
 * long a frame is. As long as the same is there, it is the same stack, and nothing is unwound: each
 * place that is looked at is where the unwinder would look, given what the places before it hold.
 * All of them are on the thread's own stack: that of a coroutine may be gone.
 */
#ifndef CTRACE_PRELOAD_STACK_STACK_CACHE_H
#define CTRACE_PRELOAD_STACK_STACK_CACHE_H

#include "preload/core/self.h"

/* A word of the stack and what it held. */
struct ct_cached_word {
    const uint64_t *place;
    uint64_t value;
};

#define CT_CACHED_WORDS 63

struct ct_cached_stack {
    const uint64_t *frame; /* of the function that took the stack; NULL: no such stack */
    uint32_t stack;        /* its id */
    uint16_t word_count;   /* 0: it has not been learnt */
    uint16_t sightings;    /* so often it was taken in turn, up to when it is learnt */
    struct ct_cached_word words[CT_CACHED_WORDS];
};

#define CT_CACHED_STACKS 8

/* Of a thread. */
struct ct_stack_cache {
    uint32_t changes; /* of what is noted: a signal's handler may do that at any moment */
    struct ct_cached_stack stacks[CT_CACHED_STACKS];
};

/* The thread's, with nothing in them; NULL if it has none. */
struct ct_stack_cache *ct_stack_cache_of(const struct ct_self *self);

/* Other code may stand where some stood. */
void ct_stack_cache_forget(struct ct_stack_cache *cache);

static inline struct ct_cached_stack *ct_stack_cache_at(struct ct_stack_cache *cache,
                                                        const uint64_t *frame, uint64_t site)
{
    uint64_t key = ((uint64_t)frame ^ site << 8) * UINT64_C(0x9e3779b97f4a7c15);

    return &cache->stacks[key >> 61];
}

/* The id of the calling function's stack, if it is known again, else 0; `frame` is that function's
 * frame address, `site` what it is asked for by. */
static inline uint32_t ct_stack_cache_recall(struct ct_stack_cache *cache, const uint64_t *frame,
                                             uint64_t site)
{
    const struct ct_cached_stack *cached = ct_stack_cache_at(cache, frame, site);
    uint32_t changes = cache->changes;
    uint32_t stack = cached->stack;

    if (cached->frame != frame || cached->word_count == 0)
        return 0;
    for (uint32_t i = 0; i < cached->word_count; i++) {
        if (*cached->words[i].place != cached->words[i].value)
            return 0;
    }
    return *(volatile uint32_t *)&cache->changes == changes ? stack : 0;
}

/* The stack of the function with that frame was unwound: `stack`. The caller's thread is busy. */
void ct_stack_cache_note(struct ct_stack_cache *cache, const uint64_t *frame, uint64_t site,
                         uint32_t stack);

#endif
