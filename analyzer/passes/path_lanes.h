/*
 * What threads did before some time, asked again and again, each time for earlier. Some of what
 * lies before the time that was asked is kept of each thread: questions that move back read what
 * is stored once, and memory does not grow with it.
 */
#ifndef CTRACE_PASSES_PATH_LANES_H
#define CTRACE_PASSES_PATH_LANES_H

#include "store/store.h"

struct ct_path_lanes;

/* The store is borrowed. */
struct ct_path_lanes *ct_path_lanes_new(struct ct_store *store);
void ct_path_lanes_free(struct ct_path_lanes *lanes);

/*
 * The thread's last interval that takes any time and begins before `at_ns`: without `fd` and
 * `releases`, valid until the next question. NULL: there is none, or with an error.
 */
const struct ct_interval *ct_path_lanes_before(struct ct_path_lanes *lanes,
                                               const struct ct_thread *thread, uint64_t at_ns,
                                               struct ct_store_id *id, GError **error);

/* The same of its last sample at or before `at_ns`, which comes after `after_ns`. */
const struct ct_sample *ct_path_lanes_sample(struct ct_path_lanes *lanes,
                                             const struct ct_thread *thread, uint64_t at_ns,
                                             uint64_t after_ns, GError **error);

/* The same of the last time, at or before `at_ns` and after `after_ns`, at which it let another
 * thread go on, whose interval it ended. FALSE: there is none, or with an error. */
gboolean ct_path_lanes_wake(struct ct_path_lanes *lanes, const struct ct_thread *thread,
                            uint64_t at_ns, uint64_t after_ns, uint64_t *wake_ns,
                            struct ct_store_id *id, GError **error);

#endif
