/*
 * Where tasks wait in their own code. The stack of one that has just blocked is what perf copied of
 * it, as far as that goes, by unwind tables: a system call's wrapper keeps no frame pointer, so
 * that those alone leave out who called it. From there on it is frame pointers. The same of one
 * that was blocked already, by a copy of all of its stack.
 */
#ifndef CTRACE_CONVERT_CALLERS_H
#define CTRACE_CONVERT_CALLERS_H

#include "schema/events.h"
#include "schema/kernel_events.h"
#include "spool/decode.h"
#include "spool/maps.h"

struct ct_callers;

/* It keeps so many frames of a stack. */
struct ct_callers *ct_callers_new(uint32_t stack_frames);
void ct_callers_free(struct ct_callers *callers);

struct ct_callers_stack {
    uint64_t addresses[CT_STACK_MAX_FRAMES]; /* return addresses, leaf first */
    guint count;
    uint32_t omitted; /* as in CT_EVENT_STACK */
    uint32_t outermost;
    gboolean is_by_frame_pointers; /* but for the first ones */
    gboolean is_partial;           /* there are more, but they could not be found */
};

/* Of a CT_RAW_CALLERS or CT_RAW_WAKER. `space` is its process's; NULL: it is not known. */
void ct_callers_of_switch(struct ct_callers *callers, const struct ct_address_space *space,
                          const struct ct_raw_record *raw, struct ct_callers_stack *stack);

/* Of a CT_RAW_TASK. It is empty if that was not copied. */
void ct_callers_of_present(struct ct_callers *callers, const struct ct_address_space *space,
                           const struct ct_raw_record *raw, struct ct_callers_stack *stack);

/* As it is written; the addresses are borrowed. */
struct ct_kernel_callstack_user ct_callers_event(const struct ct_callers_stack *stack, int32_t tid);

/* The event of that record. */
void ct_callers_fill(const struct ct_callers_stack *stack, const struct ct_raw_record *raw,
                     struct ct_kernel_record *record);

#endif
