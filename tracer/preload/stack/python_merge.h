/* A stack of which the functions of CPython are to be seen. */
#ifndef CTRACE_PRELOAD_STACK_PYTHON_MERGE_H
#define CTRACE_PRELOAD_STACK_PYTHON_MERGE_H

#include "python.h"

/* The calling thread's C frames, the innermost first: where each returns to, and its stack
 * pointer. */
struct ct_c_frames {
    const uint64_t *addresses;
    const uint64_t *stack_pointers;
    uint32_t count;
    bool is_cut; /* there are more */
};

/* What is wanted of a stack: so many frames, of which the last ones, where that is not all, are its
 * outermost. */
struct ct_merged {
    uint64_t *addresses;
    uint32_t limit;
    uint32_t outermost;
    uint32_t omitted; /* so many frames were left out, at least */
};

/*
 * Puts the thread's Python functions in the place of the C frames that evaluate them. Returns how
 * many frames there are then; 0: the thread runs no Python function.
 */
uint32_t ct_python_merge(const struct ct_python *python, const struct ct_c_frames *frames,
                         struct ct_merged *merged);

#endif
