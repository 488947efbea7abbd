/* The recorder's part of a snapshot: telling how its recording is at one moment, and going on. */
#ifndef CTRACE_RECORD_SNAPSHOT_TAKE_H
#define CTRACE_RECORD_SNAPSHOT_TAKE_H

#include "recording.h"

/*
 * Puts a struct ct_moment and copies of all boards into that session directory, a name below
 * CT_SESSION_FOLDER. The recording's program does not wait for it: its events stay on its boards
 * for some milliseconds. FALSE and an error; the recording goes on as it did.
 */
gboolean ct_snapshot_take(struct ct_recording *recording, const char *directory, GError **error);

#endif
