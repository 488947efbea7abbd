/*
 * Who may ask. Every program and every page on this machine can reach the server: only who knows
 * its address, with a token that nobody guesses, is answered. The Host of a request must be a name
 * of this machine's own, so that a page elsewhere cannot reach the server under its own name (DNS
 * rebinding); and where an Origin is told, it must be the server's.
 */
#ifndef CTRACE_VIEW_GUARD_H
#define CTRACE_VIEW_GUARD_H

#include <glib.h>

#define CT_VIEW_TOKEN_SIZE 32 /* hexadecimal digits of 128 bits */
#define CT_VIEW_URL_MAX    12000

struct ct_view_guard {
    char token[CT_VIEW_TOKEN_SIZE + 1];
    guint port;
};

/* FALSE: the system has no random numbers. */
gboolean ct_view_guard_init(struct ct_view_guard *guard, guint port, GError **error);

/* What is said of a request. */
struct ct_view_request {
    const char *method;
    const char *path;  /* as it was sent */
    const char *query; /* the same; or NULL */
    const char *host;  /* or NULL, as is the next: the header lacks */
    const char *origin;
};

/* 0: it may be answered, and *name is what it asks for, below the token; else the status that it is
 * refused with, and *why says so. All are borrowed. */
guint ct_view_guard_check(const struct ct_view_guard *guard, const struct ct_view_request *request,
                          const char **name, const char **why);

#endif
