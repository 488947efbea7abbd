/*
 * A folder of folders of profiles, each called by its time, as 20260101_120000 and, merged,
 * 20260101_120000_10min. What is in it appears whole or not at all: it is made under a name that
 * begins with a dot.
 */
#ifndef CTRACE_COLLECT_ARCHIVE_H
#define CTRACE_COLLECT_ARCHIVE_H

#include "collect/rotation.h"

struct ct_archive;

/* Made if it is not there, and ours alone until it is freed; what was not finished in it is
 * removed. NULL: an error. */
struct ct_archive *ct_archive_open(const char *path, GError **error);
void ct_archive_free(struct ct_archive *archive);

/* Borrowed, as is the next: struct ct_rotation_folder, by their time. */
const GArray *ct_archive_folders(const struct ct_archive *archive);
const char *ct_archive_path(const struct ct_archive *archive);

/* NULL: there is none of that time and level. Borrowed, until the archive changes. */
const struct ct_rotation_folder *ct_archive_find(const struct ct_archive *archive, gint64 from_s,
                                                 guint level);

/* An empty folder to be filled. NULL: an error. The caller frees it. */
char *ct_archive_begin(const struct ct_archive *archive, GError **error);

/*
 * What was filled is there from now on. Of level 0 it gets a later name if there is one of that
 * time; of others it takes the place of that. NULL: an error, and it is gone. Borrowed, until the
 * archive changes.
 */
const struct ct_rotation_folder *ct_archive_commit(struct ct_archive *archive, const char *filled,
                                                   gint64 from_s, guint level, GError **error);

/* `name` must not be the archive's own. */
void ct_archive_remove(struct ct_archive *archive, const char *name);
/* It stays as it is. */
void ct_archive_set_stuck(struct ct_archive *archive, const char *name);

/* Of all together. */
guint64 ct_archive_bytes(const struct ct_archive *archive);

/* The kinds of profiles in one of its folders: their names without ".pb.gz", by name. The caller
 * frees them. */
char **ct_archive_kinds(const struct ct_archive *archive, const char *name);

/* Is so much of the disk of a folder free that somebody else does not go short of it: a twentieth,
 * or 1 GB? */
gboolean ct_archive_has_room(const char *path);

#endif
