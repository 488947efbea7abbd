/*
 * Stacks that have more frames than are kept: of those the innermost ones, which say where the
 * thread is, and the outermost, which say how it came there. To find these, all are walked: 15 ns
 * each, 3 ms for 200,000. So a thread does that for a small part of its time only, and knows again
 * what it has found.
 */
#ifndef CTRACE_PRELOAD_STACK_DEEP_H
#define CTRACE_PRELOAD_STACK_DEEP_H

#include "preload/core/self.h"

/* What is known of a deep stack, and what is wanted. */
struct ct_deep {
    const uint64_t *frame; /* of the function that takes it */
    const uint64_t *inner; /* the innermost addresses, of the program's own frames */
    uint32_t inner_count;
    uint32_t outer_count; /* of those that are wanted */
};

/*
 * The outermost addresses of the calling thread's stack, at `outer`, and how many are left out: see
 * struct ct_board_stack. False if they are not to be found now. The thread is busy, and has the
 * loader.
 */
bool ct_deep_find(struct ct_self *self, const struct ct_deep *deep, uint64_t *outer,
                  uint16_t *omitted_bits);

/* The thread in this slot is a new one, or other code may stand where some stood. */
void ct_deep_forget(const struct ct_self *self);

#endif
