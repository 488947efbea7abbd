/*
 * Sends profiles that were collected to targets, by ctrace-push, which tries again what may go well
 * later: to each target one at a time, while the agent goes on. What waits for a target is bounded:
 * the oldest are left out. For one thread, which has a main loop.
 */
#ifndef CTRACE_SERVE_PUSHING_H
#define CTRACE_SERVE_PUSHING_H

#include <glib.h>

struct ct_pushing;

struct ct_pushing_request {
    char *const *targets; /* borrowed until the end, as is all of it */
    const char *name;     /* whose profiles they are; NULL: of each, the program that it is of */
    char *const *labels;  /* or NULL */
    const char *programs; /* the folder that the commands are in */
};

/* NULL: an error. */
struct ct_pushing *ct_pushing_new(const struct ct_pushing_request *request, GError **error);
/* What still waits has some seconds, where its target answered before; then it is left out, which
 * is said. */
void ct_pushing_free(struct ct_pushing *pushing);

/* Returns at once. */
void ct_pushing_add(struct ct_pushing *pushing, const char *path);

#endif
