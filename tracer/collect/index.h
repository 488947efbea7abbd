/*
 * What is in an archive of profiles, and what is not, for who wants to ask by SQL: a database
 * beside the folders. They are what is true; a database that is broken or behind is made anew from
 * them.
 */
#ifndef CTRACE_COLLECT_INDEX_H
#define CTRACE_COLLECT_INDEX_H

#include "collect/archive.h"

#define CT_INDEX_FILE "index.sqlite"

struct ct_index;

/* Of the archive, which it is brought up to; NULL: an error. */
struct ct_index *ct_index_open(const struct ct_archive *archive, GError **error);
/* Takes NULL, as all the others do, which then do nothing. */
void ct_index_free(struct ct_index *index);

/* All profiles of a folder; instead of what was known of it. FALSE: it cannot be written. */
gboolean ct_index_add(struct ct_index *index, const char *folder, guint level, gint64 from_s,
                      gint64 until_s);
gboolean ct_index_remove(struct ct_index *index, const char *folder);

/* A time of which there is no profile. */
struct ct_index_gap {
    gint64 from_s;
    gint64 until_s;
    const char *kind; /* of which; "": of any */
    const char *why;
};

/* One that goes on from the last of the same kind and reason, or at most `join_s` later, makes that
 * longer. */
gboolean ct_index_add_gap(struct ct_index *index, const struct ct_index_gap *gap, gint64 join_s);

/* Gaps that ended before then are forgotten. */
gboolean ct_index_forget(struct ct_index *index, gint64 before_s);

/* Until when something is known, be it a gap; 0: of nothing. */
gint64 ct_index_known_until_s(struct ct_index *index);

#endif
