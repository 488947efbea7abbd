/* The files of a recording that goes on, as they were at one moment, to another folder. */
#ifndef CTRACE_RECORD_SNAPSHOT_COPY_H
#define CTRACE_RECORD_SNAPSHOT_COPY_H

#include "moment.h"

/*
 * From the folder `from` to `to`, both paths. What was given back of a file's beginning stays so;
 * what is given back while it is copied may be either. FALSE and an error.
 */
gboolean ct_snapshot_copy(const struct ct_moment *moment, const char *from, const char *to,
                          GError **error);

/*
 * Then: `now` is what the recorder tells by now. What it has dropped of its recording since then
 * goes from the copy, too, and `moment` says so. FALSE and an error if nothing is left, or if it
 * has ended.
 */
gboolean ct_snapshot_copy_drop(struct ct_moment *moment, const struct ct_control *now,
                               const char *from, const char *to, GError **error);

/* So that no part is left that has nothing of the last `last_ns` of it: `moment` says so, and who
 * makes it a recording takes away what it has of them. */
void ct_snapshot_copy_shorten(struct ct_moment *moment, uint64_t last_ns);

#endif
