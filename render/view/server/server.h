/*
 * The server of ctrace view, on this machine's own address only. It answers with the page, which is
 * part of the program, and what the page asks of recordings: those are read by other processes, and
 * the server never waits for one.
 *
 * Below the address, which ends in a token, are the page's files, and "api/QUESTION?PARAMETERS":
 *
 *   overview, tiles, interval, area, path           of readers: see reader/
 *   findings, table, query, download                of other commands: see server/job.h
 *
 * All have r=N, the number of the recording (0). Answers are JSON unless they are said to be
 * others; so are errors, {"error": TEXT}, with a status of HTTP: 400 the question is wrong, 404
 * there is no such thing, 409 the recording is another one now, 503 ask again, 504 it took too
 * long.
 */
#ifndef CTRACE_VIEW_SERVER_H
#define CTRACE_VIEW_SERVER_H

#include <gio/gio.h>

struct ct_view_server;

struct ct_view_server_request {
    char **directories; /* borrowed; the recordings, at least one */
    const char *folder; /* where the programs are that read them */
    guint port;         /* 0: any that is free */
};

/* It answers while a main loop runs. NULL: an error. */
struct ct_view_server *ct_view_server_new(const struct ct_view_server_request *request,
                                          GError **error);
void ct_view_server_free(struct ct_view_server *server);

/* Where the page is. Borrowed. */
const char *ct_view_server_address(const struct ct_view_server *server);

#endif
