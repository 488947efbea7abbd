/* A program that an agent starts and serves, in the terminal that the agent has. */
#ifndef CTRACE_SERVE_LAUNCHED_H
#define CTRACE_SERVE_LAUNCHED_H

#include <glib.h>
#include <sys/types.h>

struct ct_launched;

/* With its status, as waitpid() gives it. */
typedef void ct_launched_ended(void *user, int status);

/* What runs `argv`; it is found as execvp() does. NULL: an error. */
struct ct_launched *ct_launched_new(const char *const *argv, ct_launched_ended *ended, void *user,
                                    GError **error);
/* It goes on, if it has not ended. */
void ct_launched_free(struct ct_launched *launched);

pid_t ct_launched_pid(const struct ct_launched *launched);

/* Nothing, if it has ended. */
void ct_launched_signal(const struct ct_launched *launched, int number);

#endif
