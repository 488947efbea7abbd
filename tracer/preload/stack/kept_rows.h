/* Rows of unwind tables in a short form, kept by the addresses that they were found for. */
#ifndef CTRACE_PRELOAD_STACK_KEPT_ROWS_H
#define CTRACE_PRELOAD_STACK_KEPT_ROWS_H

#include "cfi.h"

#include <stdatomic.h>
#include <stddef.h>

/* Nearly all rows are such ones: the frame's address counts from the stack or the frame pointer,
 * the frame pointer was saved in the frame or not at all. */
union ct_kept_row {
    struct {
        uint64_t cfa : 2;     /* enum ct_kept_cfa */
        uint64_t pointer : 2; /* enum ct_kept_pointer */
        uint64_t address : 1; /* enum ct_kept_address */
        int64_t cfa_offset : 26;
        int64_t pointer_offset : 16; /* these two in words */
        int64_t address_offset : 16;
    } row;
    uint64_t bits;
};

enum ct_kept_cfa {
    CT_CFA_FROM_STACK_POINTER,
    CT_CFA_FROM_FRAME_POINTER,
    CT_CFA_AT_FRAME_POINTER, /* it is in memory there: the frame is aligned */
    CT_NO_TABLE,
};

enum ct_kept_pointer { CT_POINTER_SAME, CT_POINTER_IN_FRAME, CT_POINTER_AT_FRAME_POINTER };

enum ct_kept_address { CT_ADDRESS_IN_FRAME, CT_ADDRESS_OF_NONE };

/*
 * One for each of so many addresses, shared by all threads: the check tells whether both halves are
 * of one writer, of this address, and of now. Most processes take a few stacks: theirs are in a
 * table that is on a page with other variables. Where that fills up, the other one is used from
 * then on.
 */
#define CT_ROWS_KEPT_BITS 12
#define CT_ROWS_FEW_BITS  6

struct ct_kept_rows {
    _Atomic uint64_t check;
    _Atomic uint64_t bits;
};

extern struct ct_kept_rows ct_kept_rows[1 << CT_ROWS_KEPT_BITS];
extern struct ct_kept_rows ct_kept_few[1 << CT_ROWS_FEW_BITS];

extern _Atomic bool ct_kept_are_many;

/* Counts up when all is forgotten. */
extern _Atomic uint32_t ct_kept_rows_age;

static inline uint64_t ct_kept_row_tag(uint64_t address, uint32_t age)
{
    return address ^ (age + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline struct ct_kept_rows *ct_kept_row_of(uint64_t address)
{
    uint64_t hash = address * UINT64_C(0x9e3779b97f4a7c15);

    return atomic_load_explicit(&ct_kept_are_many, memory_order_relaxed)
               ? &ct_kept_rows[hash >> (64 - CT_ROWS_KEPT_BITS)]
               : &ct_kept_few[hash >> (64 - CT_ROWS_FEW_BITS)];
}

/* FALSE if none is kept for the address. */
static inline bool ct_kept_row_recall(uint64_t address, union ct_kept_row *kept)
{
    const struct ct_kept_rows *rows = ct_kept_row_of(address);
    uint64_t check = atomic_load_explicit(&rows->check, memory_order_relaxed);
    uint32_t age = atomic_load_explicit(&ct_kept_rows_age, memory_order_relaxed);

    kept->bits = atomic_load_explicit(&rows->bits, memory_order_relaxed);
    return (check ^ kept->bits) == ct_kept_row_tag(address, age);
}

/* `age` is what it was before the row was looked for: it may be that of other code since. */
void ct_kept_row_keep(uint64_t address, uint32_t age, const union ct_kept_row *kept);

/* FALSE if it is not such a row. */
bool ct_kept_row_pack(const struct ct_cfi_row *row, union ct_kept_row *kept);

/* Other code is, or may come to be, where some was: forgets what is known of it. */
void ct_kept_rows_forget(void);

#endif
