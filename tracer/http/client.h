/* Whoever asked, while the answer is being made: have they gone? */
#ifndef CTRACE_HTTP_CLIENT_H
#define CTRACE_HTTP_CLIENT_H

#include <gio/gio.h>

struct ct_http_client;

/*
 * `gone` is called once if they hang up, by the main loop of this thread. NULL if there is no
 * socket. Free with ct_http_client_free(), which may be called by `gone`, and takes NULL.
 */
struct ct_http_client *ct_http_client_watch(GSocket *socket, void (*gone)(void *user), void *user);
void ct_http_client_free(struct ct_http_client *client);

#endif
