/* The recorder's part of a snapshot: how its recording is at one moment, while it goes on. */
#ifndef CTRACE_RECORD_SNAPSHOT_TAKE_H
#define CTRACE_RECORD_SNAPSHOT_TAKE_H

#include "recording.h"

struct ct_taken;

/*
 * As it is now. The recording's program does not wait for it: its events stay on its boards for
 * some milliseconds. NULL and an error; the recording goes on as it did.
 */
struct ct_taken *ct_taken_new(struct ct_recording *recording, GError **error);

/*
 * Then, also long after: puts a struct ct_moment and copies of all boards into that session
 * directory, a name below CT_SESSION_FOLDER. FALSE and an error.
 */
gboolean ct_taken_write(const struct ct_taken *taken, const char *directory, GError **error);

void ct_taken_free(struct ct_taken *taken);

#endif
