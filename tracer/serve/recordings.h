/*
 * Recordings that are made because somebody asked, each in a folder of its own: by ctrace-record,
 * or as windows of a recorder in standby, one after the other. Who asks for the same thing at the
 * same time shares one; it ends, and is gone, with the last who wants it.
 */
#ifndef CTRACE_SERVE_RECORDINGS_H
#define CTRACE_SERVE_RECORDINGS_H

#include <glib.h>

struct ct_recordings;
struct ct_recording_share;

/* Where everything is. Borrowed, all of it. */
struct ct_recordings_places {
    const char *programs; /* the folder that the commands are in */
    const char *folder;   /* for recordings */
    const char *standby;  /* the socket of a recorder; it may not be there */
    const char *living;   /* what that records to */
};

struct ct_recordings *ct_recordings_new(const struct ct_recordings_places *places);
/* There is none any more. */
void ct_recordings_free(struct ct_recordings *recordings);

struct ct_recording_wish {
    gboolean is_window;         /* of the recorder in standby: then only the duration counts */
    const char *const *targets; /* processes, as ctrace-record takes them; or a cgroup */
    gboolean is_cgroup;
    gboolean has_started; /* what they have started is recorded, too */
    guint64 duration_ms;
    guint hz;          /* 0: what runs is not sampled */
    gboolean is_alone; /* it is shared with nobody, whose reading would write beside it */
};

/* `error` is NULL if there is a recording; see status.h. Not before ct_recordings_join() has
 * returned. */
typedef void ct_recording_done(void *user, const GError *error);

/* NULL: an error, see status.h. */
struct ct_recording_share *ct_recordings_join(struct ct_recordings *recordings,
                                              const struct ct_recording_wish *wish,
                                              ct_recording_done *done, void *user, GError **error);
/* Whether it is done or not. */
void ct_recording_leave(struct ct_recording_share *share);

/* Borrowed; once it is done. */
const char *ct_recording_directory(const struct ct_recording_share *share);

/* How many run, are in line, or are told to end. */
guint ct_recordings_count(const struct ct_recordings *recordings);
/* Does not wait for those any more. */
void ct_recordings_kill(struct ct_recordings *recordings);

#endif
