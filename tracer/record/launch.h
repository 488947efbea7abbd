/* Running the program: its environment, its signals, its whole process tree. */
#ifndef CTRACE_RECORD_LAUNCH_H
#define CTRACE_RECORD_LAUNCH_H

#include "control.h"

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

/* What the program is to inherit as if we were not there. */
struct ct_launch_inheritance {
    sigset_t mask;
    struct sigaction on_child;
    struct sigaction on_pipe;
};

struct ct_launch {
    pid_t pid;
    struct ct_launch_inheritance inherited;
    int signal_fd;       /* readable when a signal came */
    int status;          /* as waitpid gives it; valid once has_ended */
    gboolean has_ended;  /* the program itself */
    gboolean is_alone;   /* no process of its tree is left */
    pid_t ignored_group; /* children of this process group are not of the program's tree; or 0 */
    /* Called in the parent when there is the process, which waits for it to return before it
     * executes the program. NULL: nothing is to be done then. */
    void (*before_exec)(void *user, pid_t pid);
    void *before_exec_user; /* borrowed */
    unsigned interrupts;    /* SIGINTs from the terminal or a user so far */
    GHashTable *deaths;     /* owned; pid -> guint64 *, CLOCK_MONOTONIC ns when it was waited for */
};

/* Takes over the signals that are to be handed on, and the program's orphans. Before any thread. */
gboolean ct_launch_prepare(struct ct_launch *launch, GError **error);

/*
 * Runs `argv` from `path`, with the preload unless `directory` is NULL. *exec_errno is set if it
 * could not be executed.
 */
gboolean ct_launch_start(struct ct_launch *launch, const char *path, char **argv,
                         const struct ct_session_directory *directory, const char *preload,
                         int *exec_errno, GError **error);

/* Deals with all signals that have come. */
void ct_launch_handle_signals(struct ct_launch *launch);

/* The exit status that a shell would give. */
int ct_launch_exit_status(const struct ct_launch *launch);

void ct_launch_clear(struct ct_launch *launch);

#endif
