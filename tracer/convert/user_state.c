#include "user_state.h"

#include <string.h>

#define WORD sizeof(uint64_t)

gboolean ct_user_state_of(const struct ct_raw_user *user, struct ct_user_state *state)
{
    static const unsigned numbers[] = {
#define DWARF_NUMBER(dwarf, perf) dwarf,
        CT_USER_REGISTERS(DWARF_NUMBER)
#undef DWARF_NUMBER
    };

    if (user->registers == NULL)
        return FALSE;
    *state = (struct ct_user_state){.stack = user->stack, .stack_size = user->stack_size};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        state->registers[numbers[i]] = user->registers[i];
    state->stack_begin = state->registers[CT_DWARF_REGISTER_SP];
    return TRUE;
}

struct ct_user_state ct_user_state_at(uint64_t instruction, uint64_t stack_pointer)
{
    return (struct ct_user_state){
        .registers = {[CT_DWARF_REGISTER_PC] = instruction, [CT_DWARF_REGISTER_SP] = stack_pointer},
        .stack_begin = stack_pointer,
    };
}

gboolean ct_user_state_read(const struct ct_user_state *state, uint64_t address, uint64_t *word)
{
    uint64_t offset = address - state->stack_begin;

    if (state->stack_size < WORD || offset > state->stack_size - WORD)
        return FALSE;
    memcpy(word, state->stack + offset, WORD);
    return TRUE;
}
