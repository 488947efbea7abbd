/*
 * The calls that a task is in, by the unwind tables of its program and libraries: from its
 * registers and what was copied of its stack. This and frame_pointer.c know libdwfl.
 */
#ifndef CTRACE_CONVERT_UNWIND_H
#define CTRACE_CONVERT_UNWIND_H

#include "schema/events.h"
#include "spool/maps.h"
#include "user_state.h"

#include <glib.h>
#include <stdint.h>

struct ct_unwinder;

/* It keeps so many frames of a stack. NULL where libdw does not know this machine. */
struct ct_unwinder *ct_unwinder_new(uint32_t stack_frames);
void ct_unwinder_free(struct ct_unwinder *unwinder);

struct ct_unwound {
    uint64_t addresses[CT_STACK_MAX_FRAMES]; /* leaf first; as if all were return addresses */
    uint64_t places[CT_STACK_MAX_FRAMES];    /* where each stood in the stack; 0: in a register */
    guint count;
    uint32_t omitted;    /* so many were left out, before the outermost */
    uint32_t outermost;  /* then: so many, the last ones, are beyond those */
    gboolean is_partial; /* there are more, but they could not be found */
    uint64_t next_place; /* then: where the next one stands, which was not copied; 0: unknown */
};

/* Of a process with that address space. */
void ct_unwinder_run(struct ct_unwinder *unwinder, const struct ct_address_space *space,
                     const struct ct_user_state *state, struct ct_unwound *unwound);

#endif
