/* The directory that a recording is written to. */
#ifndef CTRACE_RECORD_OUTPUT_H
#define CTRACE_RECORD_OUTPUT_H

#include <glib.h>
#include <stdint.h>

/*
 * Makes the directory for a recording: a recording that is there is moved to `name`.old, anything
 * else is left alone and an error. Disk space is set aside in it, so that the closing events have
 * room when the program's have filled the disk. Returns the absolute path, owned by the caller.
 */
char *ct_output_prepare(const char *name, GError **error);

/* Gives back the space that was set aside. */
void ct_output_release(const char *path);

/* The same, and removes the directory if nothing was written to it. */
void ct_output_discard(const char *path);

/* TRUE if hardly anything can be written any more. */
gboolean ct_output_is_full(const char *path);

/* Bytes in all files below. */
uint64_t ct_output_size(const char *path);

#endif
