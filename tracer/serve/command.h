/* A sibling program that is run for an answer, while the agent goes on. For one thread, which has
 * a main loop. */
#ifndef CTRACE_SERVE_COMMAND_H
#define CTRACE_SERVE_COMMAND_H

#include <glib.h>

struct ct_command;

struct ct_command_request {
    const char *const *argv;
    const char *output; /* the file that standard output becomes */
    const char *said;   /* the same of standard error */
    int end_signal;     /* what ends it early */
    guint64 limit_ms;   /* after which it is ended; 0: never */
};

enum ct_command_end { CT_COMMAND_GOOD, CT_COMMAND_BAD, CT_COMMAND_LATE };

/* Once, and then the command is gone; not before ct_command_start() has returned. */
typedef void ct_command_done(void *user, enum ct_command_end end);

/* NULL: it cannot be run, and an error says why. */
struct ct_command *ct_command_start(const struct ct_command_request *request, ct_command_done *done,
                                    void *user, GError **error);

/* It is told to end, and then is done. */
void ct_command_end(struct ct_command *command);
/* The same, at once. */
void ct_command_kill(struct ct_command *command);

/* What was written to such a file, as a text of some lines, without "ctrace: " before each. The
 * caller frees it. */
char *ct_command_said(const char *path);

#endif
