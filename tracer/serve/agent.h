/* An agent from its first moment to its last: with a program of its own, or for those that run
 * already. */
#ifndef CTRACE_SERVE_AGENT_H
#define CTRACE_SERVE_AGENT_H

#include "serve/flight.h"
#include "serve/pushing.h"
#include "serve/server.h"
#include "serve/settings.h"

struct ct_agent_request {
    struct ct_served *served; /* borrowed, as are the next two; a program's process is added */
    struct ct_listen *listen;
    const char *const *program; /* what to start, with its arguments; NULL: nothing */
    const char *heap; /* how its memory is sampled, as in --heap=SIZE; "": as usual; NULL: not */
    const struct ct_settings *collect; /* borrowed; what is collected meanwhile */
    char *const *push;                 /* where that is sent to; NULL: nowhere */
    const char *push_name;             /* as in struct ct_pushing_request, as is the next */
    char *const *push_labels;
    const struct ct_flight_limits *flight; /* what is kept at all times; NULL: nothing */
    const char *flight_folder;
    const char *const *conditions; /* of --when; or NULL */
    gboolean has_token;
    gboolean is_redacted;
};

/*
 * Returns the exit status: the program's own, as a shell has it, if there is one; 1 if the agent
 * cannot be. Does not return where the program died of a signal: it dies of that, too.
 */
int ct_agent_run(const struct ct_agent_request *request);

#endif
