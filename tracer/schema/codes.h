/*
 * Functions that an interpreter runs. In a stack, a function of CPython stands where the frames of
 * the interpreter's evaluation loop would: as an address that no program can have, of the
 * function's code and the line in it, from which one is to be taken as from every return address.
 */
#ifndef CTRACE_SCHEMA_CODES_H
#define CTRACE_SCHEMA_CODES_H

#include <stdbool.h>
#include <stdint.h>

/* One of its process; function and file are UTF-8. Id 0 is of those that cannot be told. */
#define CT_EVENT_CODE(F) \
    CT_SUBJECT(F)        \
    F(U32, id)           \
    F(STRING, function)  \
    F(STRING, file)      \
    F(U32, first_line)

#define CT_CODE_ID_BITS   23
#define CT_CODE_LINE_BITS 32

/* The high bits of the addresses: those of a kernel begin with more ones. */
#define CT_CODE_TAG UINT64_C(0x100)

/* Line 0: it is not known. */
static inline uint64_t ct_code_return_address(uint32_t id, uint32_t line)
{
    return (CT_CODE_TAG << (CT_CODE_ID_BITS + CT_CODE_LINE_BITS) |
            (uint64_t)id << CT_CODE_LINE_BITS | line) +
           1;
}

/* What follows takes such an address less one. */
static inline bool ct_is_code_address(uint64_t address)
{
    return address >> (CT_CODE_ID_BITS + CT_CODE_LINE_BITS) == CT_CODE_TAG;
}

static inline uint32_t ct_code_address_id(uint64_t address)
{
    return (uint32_t)(address >> CT_CODE_LINE_BITS) & ((UINT32_C(1) << CT_CODE_ID_BITS) - 1);
}

static inline uint32_t ct_code_address_line(uint64_t address)
{
    return (uint32_t)address;
}

/*
 * On the board a code is among the stacks, interned as they are, with this in the place of
 * `outermost`. The place of its addresses takes the first line, and then two strings, each with its
 * end: function and file.
 */
#define CT_STACK_IS_CODE UINT16_MAX

#define CT_CODE_FUNCTION_SIZE 400
#define CT_CODE_FILE_SIZE     1000

/* With as much for the ends of both. */
#define CT_CODE_WORDS ((8 + CT_CODE_FUNCTION_SIZE + CT_CODE_FILE_SIZE + 7) / 8)

#endif
