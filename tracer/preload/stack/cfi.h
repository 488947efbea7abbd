/*
 * The unwind tables of the program's code (.eh_frame, DWARF call frame information): for an address
 * in it, where the caller's registers are. No heap, no locks.
 */
#ifndef CTRACE_PRELOAD_STACK_CFI_H
#define CTRACE_PRELOAD_STACK_CFI_H

#include "cfi_bytes.h"

/* Registers by their DWARF numbers. */
#if defined(__x86_64__)
enum {
    CT_REGISTER_FRAME_POINTER = 6,
    CT_REGISTER_STACK_POINTER = 7,
    CT_REGISTER_RETURN = 16, /* a column of the tables, no register */
    CT_REGISTER_COUNT = 17,
};
#elif defined(__aarch64__)
enum {
    CT_REGISTER_FRAME_POINTER = 29,
    CT_REGISTER_RETURN = 30,
    CT_REGISTER_STACK_POINTER = 31,
    CT_REGISTER_COUNT = 32,
};
#else
#error "unwinding is written for x86-64 and AArch64"
#endif

enum ct_cfi_kind {
    CT_CFI_SAME, /* as in the function itself */
    CT_CFI_UNDEFINED,
    CT_CFI_AT_OFFSET,     /* in memory, so far from the frame's address (CFA) */
    CT_CFI_OFFSET,        /* is the frame's address and so much */
    CT_CFI_REGISTER,      /* in that register */
    CT_CFI_AT_EXPRESSION, /* in memory, where that expression says */
    CT_CFI_EXPRESSION,
};

struct ct_cfi_rule {
    int32_t value;  /* of an expression: its place, from `base` on */
    uint8_t kind;   /* enum ct_cfi_kind */
    uint8_t number; /* of the register that the frame's address is counted from */
    uint8_t reserved[2];
};

struct ct_cfi_row {
    const uint8_t *base, *limit; /* expressions are read up to the limit */
    struct ct_cfi_rule cfa;      /* OFFSET from a register, or EXPRESSION */
    struct ct_cfi_rule rules[CT_REGISTER_COUNT];
    uint8_t return_register; /* the return address is what this one is in the caller */
    bool is_of_signal;       /* the kernel made the frame: it interrupted its caller */
};

/* FALSE if no table of the loader's objects has the address. The caller has entered the loader, and
 * leaves it when it is done with the row. */
bool ct_cfi_find(uint64_t address, struct ct_cfi_row *row);

/* The expression, behind its length. */
struct ct_cfi_bytes ct_cfi_expression(const struct ct_cfi_row *row, const struct ct_cfi_rule *rule);

#endif
