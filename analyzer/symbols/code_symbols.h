/* The symbols of functions that an interpreter runs: see schema/codes.h. */
#ifndef CTRACE_SYMBOLS_CODE_SYMBOLS_H
#define CTRACE_SYMBOLS_CODE_SYMBOLS_H

#include "symbols/symbols.h"

struct ct_code_symbols;

struct ct_code_symbols *ct_code_symbols_new(void);
void ct_code_symbols_free(struct ct_code_symbols *symbols);

/* That of a code's address. Its strings are the process's; the same each time. */
const struct ct_symbol *ct_code_symbols_find(struct ct_code_symbols *symbols,
                                             const struct ct_process *process, uint64_t address);

#endif
