/*
 * What is collected round the clock: every so often, profiles of what is served, into an archive
 * that is thinned out. They are the answers that anybody gets who asks. For one thread, which has a
 * main loop.
 */
#ifndef CTRACE_SERVE_COLLECTING_H
#define CTRACE_SERVE_COLLECTING_H

#include "serve/answers.h"
#include "serve/settings.h"

struct ct_collecting;

/* A profile is there, and stays until it is thinned out. */
typedef void ct_collecting_written(void *user, const char *path);

struct ct_collecting_request {
    const struct ct_settings *settings; /* borrowed, as is all of it */
    const struct ct_served *served;
    struct ct_answers *answers;
    const char *programs;           /* the folder that the commands are in */
    ct_collecting_written *written; /* or NULL */
    void *user;
};

/* NULL: an error. The first profiles begin a second later. */
struct ct_collecting *ct_collecting_new(const struct ct_collecting_request *request,
                                        GError **error);
/* Before the answers are freed. What is not there yet is lost. */
void ct_collecting_free(struct ct_collecting *collecting);

#endif
