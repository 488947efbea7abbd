/* What programs allocated and what of it was live, as the samples of a profile. */
#ifndef CTRACE_HEAP_PROFILE_H
#define CTRACE_HEAP_PROFILE_H

#include "summary/profile.h"

/* As ct_profile_samples(), for a kind that is of the heap: a sample for each site, with what was
 * live of it at the moment nearest to `at_ns`, or at the end. */
#define CT_HEAP_PROFILE_END UINT64_MAX
GArray *ct_heap_profile_samples(enum ct_profile_kind kind, const struct ct_model *model,
                                const struct ct_selection *selection, uint64_t at_ns);

/* The values of such a sample, in the order of the profile's types. */
enum ct_heap_value {
    CT_HEAP_ALLOC_OBJECTS,
    CT_HEAP_ALLOC_SPACE,
    CT_HEAP_INUSE_OBJECTS,
    CT_HEAP_INUSE_SPACE,
    CT_HEAP_VALUE_COUNT
};

/* What rounding one sample's estimates leaves over is `carried` on to the next one's, so that sums
 * over many small ones are right; zeros at first. */
void ct_heap_profile_values(const struct ct_heap_site *site, uint64_t samples_live,
                            double carried[CT_HEAP_VALUE_COUNT],
                            int64_t values[CT_HEAP_VALUE_COUNT]);

/* What is to be known about the heaps of the recording, a line each: char *. The caller owns it. */
GPtrArray *ct_heap_notes(const struct ct_model *model, const struct ct_selection *selection);

/* The heap of some process was recorded. */
gboolean ct_heap_is_recorded(const struct ct_model *model);

#endif
