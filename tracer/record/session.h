/* The LTTng session of one recording, over liblttng-ctl. */
#ifndef CTRACE_RECORD_SESSION_H
#define CTRACE_RECORD_SESSION_H

#include <glib.h>
#include <stdint.h>

struct ct_session;

/*
 * A session that writes below `directory` (absolute), with our events enabled; not yet started.
 * `place` is the same for us, wherever it is moved. G_FILE_ERROR_PIPE: the daemon has hung up, or
 * is gone.
 */
struct ct_session *ct_session_new(const char *name, const char *directory, const char *place,
                                  GError **error);

/* How the session of the recorder with that session directory is called. Caller frees. */
char *ct_session_name(const char *session_directory);

/* Added to a session's name for the one that takes its closing events. */
#define CT_SESSION_CLOSING "-closing"

/* Destroys the sessions of recorders that are gone, whose session directories are, too: of those
 * that had theirs where we have ours. */
void ct_sessions_sweep(void);

/* The session of a recorder that is gone, as far as the daemon still has it; as it was made. */
struct ct_session *ct_session_attach(const char *name, const char *place);

gboolean ct_session_start(struct ct_session *session, GError **error);

enum ct_session_state {
    CT_SESSION_OK,
    CT_SESSION_NO_DAEMON,
    CT_SESSION_UNKNOWN,     /* the daemon has no such session: it is another one than before */
    CT_SESSION_NO_CONSUMER, /* who writes the buffers out is gone; the daemon never replaces it */
};

/* Whether what is written now can reach the disk. A round trip to the daemon, of half a ms. */
enum ct_session_state ct_session_check(const struct ct_session *session);

/*
 * What was written until now ends a packet in each stream, and what comes later begins another:
 * while nobody writes. FALSE and an error if it may not, or if nothing is taken any more.
 */
gboolean ct_session_end_packets(struct ct_session *session, GError **error);

/* What was written is on the disk; until it is started again, nothing may be. FALSE and an error:
 * it goes on, or is lost. */
gboolean ct_session_pause(struct ct_session *session, GError **error);

/* Is the metadata of all our events on disk? Without it, nobody can read what else is. */
gboolean ct_session_has_metadata(const struct ct_session *session);

/*
 * Waits for that, once the writer has registered: some tens of milliseconds. FALSE if it does not
 * come; what comes later is still written, but makes the end slower.
 */
gboolean ct_session_await_metadata(const struct ct_session *session);

/*
 * Stops tracing and waits until all that was written is on disk. An error means that it may not
 * be: the daemon is gone, or does not come to an end.
 */
gboolean ct_session_finish(struct ct_session *session, GError **error);

/* Events that found no room in a buffer. Valid once the session is finished. */
uint64_t ct_session_events_lost(const struct ct_session *session);

void ct_session_free(struct ct_session *session);

#endif
