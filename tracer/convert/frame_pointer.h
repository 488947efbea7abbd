/*
 * Where a function's frame is of which only the stack pointer is known, though its unwind tables
 * count from its frame pointer: by its stack, and the code of it and of its caller.
 */
#ifndef CTRACE_CONVERT_FRAME_POINTER_H
#define CTRACE_CONVERT_FRAME_POINTER_H

#include "user_state.h"

#include <elfutils/libdwfl.h>

struct ct_frame_search {
    const struct ct_user_state *state; /* borrowed; the stack */
    uint64_t instruction;              /* in the function */
    uint64_t stack_pointer;            /* there */
    /* The module that the address is in, or NULL. */
    Dwfl_Module *(*find_module)(void *user, uint64_t address);
    void *user;
};

/* TRUE and the frame pointer. FALSE if none can be told for certain, or on a machine whose code
 * this cannot read. */
gboolean ct_frame_pointer_find(const struct ct_frame_search *search, uint64_t *frame_pointer);

#endif
