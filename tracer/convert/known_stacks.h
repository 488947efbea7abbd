/*
 * The stack that each thread had last, as far as it is known: where a shorter copy of its stack
 * ends, the callers beyond are still those, if one of them stands at the place that is next.
 */
#ifndef CTRACE_CONVERT_KNOWN_STACKS_H
#define CTRACE_CONVERT_KNOWN_STACKS_H

#include "unwind.h"

struct ct_known_stacks;

struct ct_known_stacks *ct_known_stacks_new(void);
void ct_known_stacks_free(struct ct_known_stacks *known);

/* It is whole, or as much as can be had. */
void ct_known_stacks_keep(struct ct_known_stacks *known, int32_t tid,
                          const struct ct_unwound *unwound);

/* Appends the return address that stands at `place`, and those of its callers, to `addresses`
 * (uint64_t); *is_partial if that was not whole. FALSE if none is known. */
gboolean ct_known_stacks_append(const struct ct_known_stacks *known, int32_t tid, uint64_t place,
                                GArray *addresses, gboolean *is_partial);

#endif
