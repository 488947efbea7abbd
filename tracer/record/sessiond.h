/*
 * The LTTng session daemon of this user: found, or started and ended again. Recordings that run
 * at once share one; the last of them ends it, unless somebody else has a session in it.
 */
#ifndef CTRACE_RECORD_SESSIOND_H
#define CTRACE_RECORD_SESSIOND_H

#include <glib.h>
#include <sys/types.h>

struct ct_sessiond;

/*
 * Blocks until a daemon answers, or until *ended_by, read atomically, is not 0 (NULL: for as long
 * as it takes). NULL and an error if there is none and none could be started.
 */
struct ct_sessiond *ct_sessiond_acquire(const gint *ended_by, GError **error);

/* Ends the daemon if ctrace started it and nobody needs it any more. */
void ct_sessiond_release(struct ct_sessiond *sessiond);

/* The daemon is gone: finds or starts another one. */
gboolean ct_sessiond_renew(struct ct_sessiond *sessiond, GError **error);

/*
 * Ends the daemon, which is alive but of no use to anybody any more, and starts another one. Fails
 * if ctrace did not start it.
 */
gboolean ct_sessiond_restart(struct ct_sessiond *sessiond, GError **error);

/*
 * For another thread: whoever asks the daemon for something at this moment fails, as if the daemon
 * had ended. It may never answer.
 */
void ct_sessiond_hang_up(void);

/* The process group of a daemon that ctrace started; 0 if somebody else did. */
pid_t ct_sessiond_group(const struct ct_sessiond *sessiond);

#endif
