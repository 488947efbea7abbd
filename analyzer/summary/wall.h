/*
 * Where all the time of a thread went: its waits and its running together are its life. Waits may
 * be sampled, and what runs always is: the samples of a thread in one state are scaled to the time
 * that it spent in that.
 */
#ifndef CTRACE_WALL_H
#define CTRACE_WALL_H

#include "summary/profile.h"

struct ct_wall;

struct ct_wall *ct_wall_new(void);
void ct_wall_free(struct ct_wall *wall);

/* The thread was seen in this state, inside the window, for so long as far as samples tell. */
void ct_wall_add(struct ct_wall *wall, struct ct_thread *thread, enum ct_class state,
                 double time_ns);

/*
 * Scales the samples, which are in their order, and adds one without stack where a thread was in a
 * state of which there is none: they need to be put in order anew. Those of every thread then sum
 * up to its life inside the limits' window, unless limits leave out short waits.
 */
void ct_wall_settle(const struct ct_wall *wall, const struct ct_model *model,
                    const struct ct_profile_limits *limits, const struct ct_selection *selection,
                    GArray *samples);

#endif
