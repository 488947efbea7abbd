/* The beginning of a file that nobody needs any more: its room on the disk is given back. */
#ifndef CTRACE_FILES_HOLE_H
#define CTRACE_FILES_HOLE_H

#include <glib.h>
#include <sys/types.h>

/* The file that ct_hole_is_possible makes in a folder, for a moment. */
#define CT_HOLE_PROBE "hole"

/* From now on what is before `end` reads as zeros, and takes no room but that of a part of a block.
 * FALSE and errno: the file system has no such way. */
gboolean ct_hole_make(int fd, off_t end);

/* The same of what is from `begin` on. */
gboolean ct_hole_make_from(int fd, off_t begin, off_t end);

/* Can that be done in the folder, which is ours? FALSE and errno. */
gboolean ct_hole_is_possible(const char *folder);

/*
 * What is before `begin` goes from the file of that name, which begins with what was there. FALSE
 * and errno: it stays as it is. Where the file system cannot do it, a copy takes the file's place,
 * and for a moment both are there.
 */
gboolean ct_hole_close(int folder_fd, const char *name, off_t begin);

#endif
