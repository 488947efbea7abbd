/*
 * Makes a trace with damaged stream files readable: babeltrace2 refuses a whole trace when one
 * packet of it is not all there, may abort where a packet's header is wrong, and waits for ever
 * where a file is a pipe. A temporary directory has links to the files that are whole, and to
 * copies of what is readable of the others. The copies have no name: however the program ends, they
 * take no room afterwards.
 */
#ifndef CTRACE_SOURCE_SALVAGE_H
#define CTRACE_SOURCE_SALVAGE_H

#include <glib.h>

struct ct_salvage;

struct ct_salvage_check {
    guint64 packet_count; /* readable ones */
    gboolean is_needed;   /* babeltrace2 must not see the trace as it is */
    char *damage;         /* owned; for people: what cannot be read; NULL if all can be */
};

/* Looks at the files of the trace at `path`, and into those that are of a kind that can be
 * checked. */
void ct_salvage_check(const char *path, struct ct_salvage_check *check);

/* NULL if no temporary directory can be made and filled. */
struct ct_salvage *ct_salvage_new(const char *path);

/* Where to read instead. Borrowed. */
const char *ct_salvage_path(const struct ct_salvage *salvage);

/* Removes the directory: after the reading. */
void ct_salvage_free(struct ct_salvage *salvage);

#endif
