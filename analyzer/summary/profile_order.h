/* The order of a profile's samples, which depends on the recording alone. */
#ifndef CTRACE_PROFILE_ORDER_H
#define CTRACE_PROFILE_ORDER_H

#include "summary/profile.h"

/* The positions of processes and threads in the model: pointers differ from run to run. */
GHashTable *ct_profile_ranks(const struct ct_model *model);

/* Two struct ct_profile_sample; `ranks` are those of their model. */
int ct_profile_compare_samples(const void *left, const void *right, void *ranks);

#endif
