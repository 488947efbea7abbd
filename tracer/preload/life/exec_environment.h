/* The environment of the next image, with which it is followed or left alone. */
#ifndef CTRACE_PRELOAD_LIFE_EXEC_ENVIRONMENT_H
#define CTRACE_PRELOAD_LIFE_EXEC_ENVIRONMENT_H

#include "preload/core/board.h"
#include "schema/obstacles.h"

#include <stddef.h>

/* What every followed image needs, as this one was given it: "NAME=value", or empty. */
extern struct ct_exec_settings {
    const char *loader;
    const char *session;
    const char *library; /* this one, by the name that the loader is given */
} ct_exec_settings;

/* Remembers, from the environment, how this image came to be traced. */
void ct_exec_init(void);

/* The session's folder, of which the name stays what it was; NULL: there is none. */
const char *ct_exec_session(void);

/* Is there anything that an image could be followed with? */
bool ct_exec_has_hooks(void);

/* What is needed to follow an image with this environment, or to leave it alone. */
struct ct_follow {
    size_t count;       /* strings in the environment */
    const char *loader; /* its own loader setting, or NULL */
    size_t size;        /* bytes of a changed environment; 0 if it can stay as it is */
    bool wants_library; /* in the loader setting */
    bool wants_session;
};

struct ct_follow ct_exec_plan(char *const environment[], enum ct_obstacle obstacle);

/* The environment with our settings, or without them, in `room` of follow->size bytes. */
char **ct_exec_change(const struct ct_follow *follow, char *const environment[], void *room);

#endif
