/* Where a task was in its own code: its registers, and what was copied of its stack. */
#ifndef CTRACE_CONVERT_USER_STATE_H
#define CTRACE_CONVERT_USER_STATE_H

#include "spool/decode.h"
#include "spool/user_registers.h"

#include <glib.h>
#include <stdint.h>

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

#endif
