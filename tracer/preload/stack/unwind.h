/*
 * The calling thread's stack, by the unwind tables of its code, and by frame pointers where that
 * has none. Nothing is read that cannot be: a stack may have any end. Neither heap nor locks of
 * ours.
 */
#ifndef CTRACE_PRELOAD_STACK_UNWIND_H
#define CTRACE_PRELOAD_STACK_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Return addresses of the calling thread, leaf first, and their number. What the tables say of an
 * address is kept: a frame takes 1 to 2 us the first time, and then a few ns. `is_live`: tables
 * alone have led to all of them, so that none is a guess. The caller's thread is busy.
 */
int ct_unwind(void **addresses, int size, bool *is_live);

/* The same, with the stack pointer of each frame. */
int ct_unwind_with_pointers(void **addresses, uint64_t *stack_pointers, int size, bool *is_live);

/* A frame, as it was when it called the one before; addresses. */
struct ct_frame {
    uint64_t address; /* where that one returns to */
    uint64_t stack_pointer;
    uint64_t frame_pointer;
    const uint64_t *frame_pointer_place; /* where the frame pointer was saved since, or NULL */
    bool is_interrupted;                 /* by a signal, whose frame is the one before */
};

/*
 * Visits all frames of the calling thread, the function that calls first, until `visit` says FALSE.
 * FALSE as well if that is not all. The caller's thread is busy.
 */
bool ct_unwind_visit(bool (*visit)(void *user, const struct ct_frame *frame), void *user);

#endif
