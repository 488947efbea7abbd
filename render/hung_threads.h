/* Which threads of a recording wait for what cannot end: whatever else they did, they are to be
 * seen. */
#ifndef CTRACE_HUNG_THREADS_H
#define CTRACE_HUNG_THREADS_H

#include "cli/worker.h"
#include "model/timeline.h"

/*
 * Takes those that hang, as ctrace report hangs tells, out of `threads`, a set of struct
 * ct_thread *. The recording is asked once more, if one of them may. FALSE: an error.
 */
gboolean ct_hung_threads_remove(const char *directory, struct ct_activity *activity,
                                const struct ct_timeline *timeline, GHashTable *threads,
                                GError **error);

#endif
