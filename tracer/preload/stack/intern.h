/* Stacks on the board: each that differs is there once, and its place is its id. */
#ifndef CTRACE_PRELOAD_STACK_INTERN_H
#define CTRACE_PRELOAD_STACK_INTERN_H

#include "preload/core/self.h"

/* What is to be interned: frames, the innermost and, of a deep stack, the outermost ones. */
struct ct_frames {
    const uint64_t *addresses;
    uint32_t count;
    uint16_t outermost;
    uint16_t omitted_bits;
    bool is_live; /* all are of calls that are under way: none is a guess */
};

/* Its id; CT_STACK_LOST if there is no room. `has_room`: there is some to look for libraries that
 * are new. */
uint32_t ct_stack_intern(struct ct_self *self, const struct ct_frames *frames, bool has_room);

/* The id of a code, of so many words: see schema/codes.h. */
uint32_t ct_stack_intern_code(const uint64_t *words, uint32_t count);

/* There is a new board, on which no stacks are. */
void ct_stacks_begin(void);

#endif
