/*
 * Reading files whose names, or whose folders, are somebody else's: what is no plain file is never
 * opened. To open a pipe can take for ever, to open a device can do anything, and what /proc and
 * its kin show as files of no size can be read without an end.
 */
#ifndef CTRACE_FILES_REGULAR_FILE_H
#define CTRACE_FILES_REGULAR_FILE_H

#include <glib.h>

/*
 * A descriptor to read from, or -1 and errno (EINVAL: it is no plain file). `name` is relative to
 * the folder `at`, which can be AT_FDCWD. `flags` may be O_NOFOLLOW, and O_RDWR to write, too.
 */
int ct_regular_file_open_at(int at, const char *name, int flags);

/* The same with links followed, to read. */
int ct_regular_file_open(const char *path);

gboolean ct_regular_file_is(const char *path);

/*
 * All bytes of it, terminated; caller frees. FALSE and errno if it cannot be read (EFBIG: there are
 * more than `size_max`).
 */
gboolean ct_regular_file_read_at(int at, const char *name, int flags, gsize size_max, char **bytes,
                                 gsize *size);
gboolean ct_regular_file_read(const char *path, gsize size_max, char **bytes, gsize *size);

#endif
