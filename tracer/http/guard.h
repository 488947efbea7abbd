/*
 * Who may ask a server of ours. Every program and every page on this machine can reach one that
 * listens on a port: only who knows its address, with a token that nobody guesses, is answered. The
 * Host of a request must be a name of this machine's own, so that a page elsewhere cannot reach the
 * server under its own name (DNS rebinding); and where an Origin is told, it must be the server's.
 * Of what tells none, as an image of a page does, browsers say whether a page of others asks.
 */
#ifndef CTRACE_HTTP_GUARD_H
#define CTRACE_HTTP_GUARD_H

#include <glib.h>

#define CT_HTTP_TOKEN_SIZE 32 /* hexadecimal digits of 128 bits */
#define CT_HTTP_URL_MAX    12000

struct ct_http_guard {
    char token[CT_HTTP_TOKEN_SIZE + 1]; /* "": who reaches it may ask */
    guint port;
    gboolean takes_post;
};

/* Gives it a token. FALSE: the system has no random numbers. */
gboolean ct_http_guard_add_token(struct ct_http_guard *guard, GError **error);

/* "http://127.0.0.1:PORT/TOKEN/". The caller frees it. */
char *ct_http_guard_address(const struct ct_http_guard *guard, const char *host);

/* What is said of a request. */
struct ct_http_request {
    const char *method;
    const char *path;  /* as it was sent */
    const char *query; /* the same; or NULL */
    const char *host;  /* or NULL, as are the next: the header lacks */
    const char *origin;
    const char *fetch_site; /* Sec-Fetch-Site; and so on */
    const char *fetch_mode;
    const char *fetch_dest;
};

/* 0: it may be answered, and *name is what it asks for, below the token; else the status that it is
 * refused with, and *why says so. All are borrowed. */
guint ct_http_guard_check(const struct ct_http_guard *guard, const struct ct_http_request *request,
                          const char **name, const char **why);

#endif
