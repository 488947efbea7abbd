/* What each thread does at one moment: what it waits for and since when, or where it was last seen
 * running. */
#ifndef CTRACE_MOMENT_H
#define CTRACE_MOMENT_H

#include "summary/profile_cells.h"

struct ct_moment;

/* `at_ns` is in the trace's time; UINT64_MAX: its end. Adds to `cells`, borrowed. */
struct ct_moment *ct_moment_new(uint64_t at_ns, struct ct_profile_cells *cells);
/* Takes NULL. */
void ct_moment_free(struct ct_moment *moment);

/* Waits and samples in order of time. One that is not asked for is none of the thread's running
 * either. */
void ct_moment_add_wait(struct ct_moment *moment, const struct ct_interval *interval,
                        gboolean is_idle, gboolean is_asked);
void ct_moment_add_sample(struct ct_moment *moment, const struct ct_sample *sample);

/* Adds those that do not wait then. `lets` tells which are asked for, by their stack. */
void ct_moment_settle(struct ct_moment *moment, const struct ct_model *model,
                      gboolean (*lets)(void *user, const struct ct_profile_place *place),
                      void *user);

#endif
