/*
 * Stacks that a thread takes again and again at one place. Of such a stack it is noted where in
 * memory lies what an unwinder goes by: the return addresses, and the frame pointers that tell how
 * long a frame is. As long as the same is there, it is the same stack, and nothing is unwound: each
 * place that is looked at is where the unwinder would look, given what the places before it hold.
 */
#ifndef CTRACE_PRELOAD_STACK_MEMO_H
#define CTRACE_PRELOAD_STACK_MEMO_H

#include "preload/core/self.h"

/* A word of the stack and what it held. */
struct ct_memo_word {
    const uint64_t *place;
    uint64_t value;
};

#define CT_MEMO_WORDS 63

struct ct_memo {
    const uint64_t *frame; /* of the function that took the stack; NULL: no such stack */
    uint32_t stack;        /* its id */
    uint16_t word_count;   /* 0: it has not been learnt */
    uint16_t sightings;    /* so often it was taken in turn, up to when it is learnt */
    bool is_foreign;       /* some of it is not on the thread's own stack */
    struct ct_memo_word words[CT_MEMO_WORDS];
};

#define CT_MEMO_COUNT 8

/* Of a thread. */
struct ct_memos {
    uint32_t changes; /* of what is noted: a signal's handler may do that at any moment */
    struct ct_memo memos[CT_MEMO_COUNT];
};

/* The thread's, with nothing in them; NULL if it has none. */
struct ct_memos *ct_memos_of(const struct ct_self *self);

/* Other code may stand where some stood. */
void ct_memos_forget(struct ct_memos *memos);

static inline struct ct_memo *ct_memo_at(struct ct_memos *memos, const uint64_t *frame,
                                         uint64_t site)
{
    uint64_t key = ((uint64_t)frame ^ site << 8) * UINT64_C(0x9e3779b97f4a7c15);

    return &memos->memos[key >> 61];
}

/* Can its places be looked at still? They may be beyond the end of another stack. */
bool ct_memo_is_there(const struct ct_memo *memo);

/* The id of the calling function's stack, if it is known again, else 0; `frame` is that function's
 * frame address, `site` what it is asked for by. */
static inline uint32_t ct_memo_recall(struct ct_memos *memos, const uint64_t *frame, uint64_t site)
{
    const struct ct_memo *memo = ct_memo_at(memos, frame, site);
    uint32_t changes = memos->changes;
    uint32_t stack = memo->stack;

    if (memo->frame != frame || memo->word_count == 0 ||
        __builtin_expect(memo->is_foreign && !ct_memo_is_there(memo), 0))
        return 0;
    for (uint32_t i = 0; i < memo->word_count; i++) {
        if (*memo->words[i].place != memo->words[i].value)
            return 0;
    }
    return *(volatile uint32_t *)&memos->changes == changes ? stack : 0;
}

/* The stack of the function with that frame was unwound: `stack`. The caller's thread is busy. */
void ct_memo_note(struct ct_memos *memos, const uint64_t *frame, uint64_t site, uint32_t stack);

#endif
