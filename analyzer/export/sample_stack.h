/* What stands in the stack of a profile's sample, whatever format it is written in. */
#ifndef CTRACE_SAMPLE_STACK_H
#define CTRACE_SAMPLE_STACK_H

#include "summary/profile.h"
#include "symbols/symbols.h"

struct ct_sample_stack_visitor {
    void *user;
    /* What has no address: the operation, or what stands for frames that are not there. */
    void (*on_name)(void *user, const char *name);
    /* The call that returns to the address. It may be of ctrace's own. */
    void (*on_call)(void *user, const struct ct_process *process, uint64_t return_address,
                    uint64_t time_ns);
};

/* Tells the leaf first: what the stack called or, where it called nothing, what the thread did. */
void ct_sample_stack_visit(struct ct_symbolizer *symbolizer, enum ct_profile_kind kind,
                           const struct ct_profile_sample *sample,
                           const struct ct_sample_stack_visitor *visitor);

/* A function of such a stack, or what stands for others. */
struct ct_sample_frame {
    const char *function;
    const char *file; /* "" if unknown */
    uint32_t line;    /* 0 if unknown */
};

/*
 * The same as struct ct_sample_frame, the leaf last: symbolized, and without ctrace's own. Strings
 * live as long as the symbolizer and `names`, which takes those that have no address. The caller
 * owns the array.
 */
GArray *ct_sample_stack_list(struct ct_symbolizer *symbolizer, enum ct_profile_kind kind,
                             const struct ct_profile_sample *sample, GStringChunk *names);

/* Its samples are of those who held a lock, or posted. */
gboolean ct_profile_kind_is_of_holders(enum ct_profile_kind kind);

#endif
