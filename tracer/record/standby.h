/*
 * A recorder in standby: everything is ready, and nothing is recorded, until it is told to. What is
 * recorded then, until it is told to rest, is a window, which stays until the next one begins.
 */
#ifndef CTRACE_RECORD_STANDBY_H
#define CTRACE_RECORD_STANDBY_H

#include "recording.h"

#include <glib.h>

struct ct_standby;

/* Of a recording that keeps its newest part, instead of ct_recording_begin(); borrows it. */
struct ct_standby *ct_standby_new(struct ct_recording *recording);

/* A window begins, and what was recorded before goes. FALSE and an error: none has begun. */
gboolean ct_standby_begin(struct ct_standby *standby, GError **error);

/* It ends. FALSE and an error if there is none, or if its end cannot be kept: then it goes on. */
gboolean ct_standby_rest(struct ct_standby *standby, GError **error);

gboolean ct_standby_rests(const struct ct_standby *standby);

/* There is something that a snapshot can be made of. FALSE and an error. */
gboolean ct_standby_has_any(const struct ct_standby *standby, GError **error);

/* See ct_taken_write(): the window that is, or was. */
gboolean ct_standby_write(struct ct_standby *standby, const char *directory, GError **error);

void ct_standby_free(struct ct_standby *standby);

#endif
