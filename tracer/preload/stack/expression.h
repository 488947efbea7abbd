/* Expressions of unwind tables: a stack machine's programs that compute an address or a value. */
#ifndef CTRACE_PRELOAD_STACK_EXPRESSION_H
#define CTRACE_PRELOAD_STACK_EXPRESSION_H

#include "cfi.h"

/* What a function's frame has in registers, as far as it is known. */
struct ct_registers {
    uint64_t values[CT_REGISTER_COUNT];
    uint64_t known; /* bits */
};

static inline bool ct_register_is_known(const struct ct_registers *registers, unsigned number)
{
    return number < CT_REGISTER_COUNT && registers->known >> number & 1;
}

/* FALSE if the word cannot be read. */
typedef bool (*ct_word_reader)(uint64_t address, uint64_t *word);

/* `start` is what it begins with on its stack, or NULL. FALSE if there is no result. */
bool ct_expression_evaluate(struct ct_cfi_bytes expression, const struct ct_registers *registers,
                            ct_word_reader read, const uint64_t *start, uint64_t *result);

#endif
