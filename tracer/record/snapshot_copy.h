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

/* Then: of its copy, what has been given back of the living recording by now goes, too. FALSE and
 * errno. */
gboolean ct_snapshot_copy_drop(const char *from, const char *to);

#endif
