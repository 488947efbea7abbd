/* --request=N: of a recording, the time of one request, and the thread that answered it. */
#ifndef CTRACE_CLI_ASKED_REQUEST_H
#define CTRACE_CLI_ASKED_REQUEST_H

#include "cli/scope.h"
#include "model/timeline.h"

struct ct_activity;

struct ct_asked_request {
    char *typed; /* owned; NULL: none is asked for */

    /* What ct_asked_request_find() sets. */
    struct ct_window window; /* from when it may have come to its answer */
    char *threads[2];        /* owned; a selection of who answered it */
};

void ct_asked_request_add_option(struct ct_asked_request *request, GOptionContext *context);
void ct_asked_request_clear(struct ct_asked_request *request);

/* What is wrong with it whatever the recording is. `alone_of`: the command that it is an option of,
 * if `is_path` says that this is not it. */
gboolean ct_asked_request_check(const struct ct_asked_request *request, gboolean is_path,
                                const char *alone_of, GError **error);

/* By its place in the list of `ctrace report requests`, with the same scope. */
gboolean ct_asked_request_find(struct ct_asked_request *request, const char *directory,
                               struct ct_activity *activity, const struct ct_scope *scope,
                               GError **error);

#endif
