/* Code objects of CPython, as codes on the board. */
#ifndef CTRACE_PRELOAD_STACK_PYTHON_CODES_H
#define CTRACE_PRELOAD_STACK_PYTHON_CODES_H

#include "python.h"

/* Where a function is, and what takes its return address: see schema/codes.h. */
struct ct_python_place {
    uint64_t code;
    uint64_t instruction;
    uint64_t *address;
};

#define CT_PYTHON_PLACES 8

/* Describes so many of them, CT_PYTHON_PLACES at most. */
void ct_python_describe(const struct ct_python *python, const struct ct_python_place *places,
                        size_t count);

/* There is a new board, on which no codes are. */
void ct_python_codes_begin(void);

#endif
