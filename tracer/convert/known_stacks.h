/*
 * The stacks that threads had before, as far as they are known: where a shorter copy of a stack
 * ends, the callers beyond are those that the thread had when it was at that place before, or else
 * those that it had last, if one of them stands where the next one is to be.
 */
#ifndef CTRACE_CONVERT_KNOWN_STACKS_H
#define CTRACE_CONVERT_KNOWN_STACKS_H

#include "unwind.h"

struct ct_known_stacks;

/* What tells one place from another without a look at the stack. */
struct ct_known_place {
    int32_t tid;
    uint64_t instruction;
    uint64_t stack_pointer;
    uint64_t argument; /* of its call, the first; or what is in that register */
};

struct ct_known_stacks *ct_known_stacks_new(void);
void ct_known_stacks_free(struct ct_known_stacks *known);

/* It is whole, or as much as can be had. */
void ct_known_stacks_keep(struct ct_known_stacks *known, const struct ct_known_place *place,
                          const struct ct_unwound *unwound);

/* Appends the return address that stands at `next`, and those of its callers, to `addresses`
 * (uint64_t); *is_partial if that was not whole. FALSE if none is known. */
gboolean ct_known_stacks_append(const struct ct_known_stacks *known,
                                const struct ct_known_place *place, uint64_t next,
                                GArray *addresses, gboolean *is_partial);

#endif
