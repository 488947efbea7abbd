/*
 * The calls that a task is in, by the unwind tables of its program and libraries: from its
 * registers and what was copied of its stack. The one file that knows libdwfl.
 */
#ifndef CTRACE_RECORD_KERNEL_UNWIND_H
#define CTRACE_RECORD_KERNEL_UNWIND_H

#include "maps.h"
#include "schema/events.h"
#include "user_registers.h"

#include <glib.h>
#include <stdint.h>

struct ct_unwinder;

/* It keeps so many frames of a stack. NULL where libdw does not know this machine. */
struct ct_unwinder *ct_unwinder_new(uint32_t stack_frames);
void ct_unwinder_free(struct ct_unwinder *unwinder);

/* Where a task was in its own code. */
struct ct_user_state {
    uint64_t registers[CT_DWARF_REGISTERS]; /* by their numbers in DWARF; 0: not known */
    uint64_t stack_begin;                   /* the address of the first byte that was copied */
    const uint8_t *stack;                   /* borrowed */
    size_t stack_size;
};

/* As perf copied it. FALSE if it did not. */
gboolean ct_user_state_of(const struct ct_raw_user *user, struct ct_user_state *state);

/* All that is known of one that is blocked, but for the stack. */
struct ct_user_state ct_user_state_at(uint64_t instruction, uint64_t stack_pointer);

/* TRUE and the word of the stack at the address. FALSE if it was not copied. */
gboolean ct_user_state_read(const struct ct_user_state *state, uint64_t address, uint64_t *word);

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
