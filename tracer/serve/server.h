/*
 * The agent's server: what is below its address answers as Go's net/http/pprof does. See
 * endpoints.h for what there is, and question.h for how it is asked. Errors are plain text, as
 * Go's, with a status of HTTP: 400 the question is wrong, 404 there is no such thing, 500 it could
 * not be read, 503 ask again, 504 it took too long.
 */
#ifndef CTRACE_SERVE_SERVER_H
#define CTRACE_SERVE_SERVER_H

#include "serve/listen.h"
#include "serve/served.h"

struct ct_answers;
struct ct_living_heap;
struct ct_serve;

struct ct_serve_request {
    const struct ct_served *served; /* borrowed, as is the next */
    struct ct_listen *listen;
    const char *programs; /* the folder that the commands are in */
    gboolean has_token;
    gboolean is_redacted; /* command lines are not told */
    gboolean has_program; /* a recorder starts it */
    const char *kept;     /* of a recording that goes on all the time; NULL: ct_serve_living() is
                             only to be made when somebody asks; borrowed */
    gboolean has_heap;    /* and keeps account of its memory */
};

/* It answers while a main loop runs. NULL: an error. */
struct ct_serve *ct_serve_new(const struct ct_serve_request *request, GError **error);
/* Ends what it records, and waits for that. */
void ct_serve_free(struct ct_serve *serve);

/* Where the recording of a recorder in standby is to lie, and where that is to be asked. Borrowed.
 */
const char *ct_serve_living(const struct ct_serve *serve);
const char *ct_serve_standby(const struct ct_serve *serve);

/* Does somebody get an answer to what is recorded? */
gboolean ct_serve_is_busy(const struct ct_serve *serve);

/* What answers, to be asked by who is in this process, too. Borrowed. */
struct ct_answers *ct_serve_answers(const struct ct_serve *serve);

/* What is live in the program's heap, if that is accounted for; or NULL. Borrowed. */
struct ct_living_heap *ct_serve_heap(const struct ct_serve *serve);

/* Where it is asked, for people to copy. Borrowed. */
const char *ct_serve_address(const struct ct_serve *serve);

#endif
