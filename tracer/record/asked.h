/*
 * A socket on which others ask the recorder for something, a line each, and are answered by one.
 * They are of the same user: the socket is for that one alone, and who connects is looked at.
 * Whatever they do, nobody waits for them.
 */
#ifndef CTRACE_RECORD_ASKED_H
#define CTRACE_RECORD_ASKED_H

#include <glib.h>

struct ct_asked;

/* At `path`, which is not there yet; NULL and an error if it cannot be. */
struct ct_asked *ct_asked_new(const char *path, GError **error);

/* Readable when something has come. */
int ct_asked_fd(const struct ct_asked *asked);

/* Then: takes what came. `answer` is called for each line, and is to call ct_asked_answer()
 * for that peer, then or later; until it does, the peer is asked for no other. */
void ct_asked_serve(struct ct_asked *asked,
                    void (*answer)(void *user, struct ct_asked *asked, guint64 peer, char *line),
                    void *user);

/* `error` is NULL: "ok", else "error WORDS". The peer may have hung up. */
void ct_asked_answer(struct ct_asked *asked, guint64 peer, const GError *error);

/* The socket goes. */
void ct_asked_free(struct ct_asked *asked);

/* ---- The other side ---- */

/* A connection to who listens at `path`, which the caller closes. -1 and an error; if that is
 * G_FILE_ERROR_NOENT, nobody listens. */
int ct_asked_connect(const char *path, GError **error);

/* Asks there, and waits for the answer. FALSE and an error also if that is one. */
gboolean ct_asked_order(int fd, const char *line, GError **error);

/* Both, for a single line. */
gboolean ct_asked_ask(const char *path, const char *line, GError **error);

#endif
