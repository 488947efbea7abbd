/* Where an agent is asked: a port of this machine's own address, or a socket in a folder that only
 * its user can enter. */
#ifndef CTRACE_SERVE_LISTEN_H
#define CTRACE_SERVE_LISTEN_H

#include "http/guard.h"

#include <libsoup/soup.h>

#define CT_LISTEN_DEFAULT "127.0.0.1:6060"

struct ct_listen {
    char *host; /* owned; as it is in addresses; NULL: a socket */
    guint port; /* 0: any that is free */
    char *path; /* owned; of a socket */
};

/* "127.0.0.1:6060", "[::1]:0", "localhost:6060" or "unix:PATH". */
gboolean ct_listen_parse(struct ct_listen *listen, const char *text, GError **error);
void ct_listen_clear(struct ct_listen *listen);

/* Sets the guard's port. */
gboolean ct_listen_open(struct ct_listen *listen, SoupServer *soup, struct ct_http_guard *guard,
                        GError **error);
/* The socket's name is gone then. */
void ct_listen_close(const struct ct_listen *listen);

/* May who has this connection ask? Any of a port, and this user and root by a socket. */
gboolean ct_listen_lets(const struct ct_listen *listen, GSocket *socket);

#endif
