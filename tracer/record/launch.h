/* Running the program: its environment, its signals, its whole process tree. */
#ifndef CTRACE_RECORD_LAUNCH_H
#define CTRACE_RECORD_LAUNCH_H

#include "control.h"
#include "deaths.h"
#include "job.h"
#include "private_mounts.h"
#include "rlimits.h"
#include "witness.h"

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

/* What the program is to inherit as if we were not there. */
struct ct_launch_inheritance {
    sigset_t mask;
    sigset_t ignored; /* as under nohup(1) */
    struct sigaction on_child;
    struct sigaction on_pipe;
    struct sigaction on_bus;
    struct sigaction on_large_file;
    struct ct_rlimits limits;
    char **environment; /* owned */
};

/* No signal: the session daemon has not answered in time, and the program is to run without. */
#define CT_ENDED_BY_TIME (-1)

struct ct_launch {
    pid_t pid;
    struct ct_launch_inheritance inherited;
    gint64 begin_us; /* monotonic time when it was started */
    int signal_fd;   /* readable when a signal came */
    struct ct_job job;
    struct ct_witness witness;
    struct ct_private_mounts mounts; /* ours; not the program's */
    int status;                      /* as waitpid gives it; valid once has_ended */
    gboolean has_ended;              /* the program itself */
    gboolean is_alone;               /* no process of its tree is left */
    /* Of each signal: the sighting of the last one that went to the whole group, and whether it
     * came from the job, which hands on what we got, too. */
    struct {
        gint64 seen_us;
        gboolean is_handed_on;
        gint64 came_us; /* the last one of all; and whether from the job */
        gboolean came_from_job;
    } last[NSIG];
    gboolean is_told_to_end;  /* by a signal to us: without the rest of the tree, or the program */
    gint ended_by;            /* atomic; the signal that ends us before there is a program;
                                 CT_ENDED_BY_TIME; or 0 */
    pid_t ignored_group;      /* children of this process group are not of the tree; or 0 */
    unsigned interrupts;      /* SIGINTs so far */
    gint64 last_interrupt_us; /* monotonic time of the last one */
    struct ct_deaths *deaths; /* owned */
    /* Called in the parent when there is the process, which waits for it to return before it
     * executes the program. NULL: nothing is to be done then. */
    void (*before_exec)(void *user, pid_t pid);
    void *before_exec_user; /* borrowed */
};

/*
 * Takes over the signals that are to be handed on, and the program's orphans. Returns in another
 * process than it was called in: see job.h. Before any thread.
 */
gboolean ct_launch_prepare(struct ct_launch *launch, GError **error);

/*
 * Runs `argv` from `path`, recorded unless `directory` is NULL, with the library `preload` unless
 * that is. *exec_errno is set if it could not be executed.
 */
gboolean ct_launch_start(struct ct_launch *launch, const char *path, char **argv,
                         const struct ct_session_directory *directory, const char *preload,
                         int *exec_errno, GError **error);

/* Becomes the program, unrecorded, where not even a process can be prepared for it. Returns errno
 * if it cannot be executed. */
int ct_launch_unprepared(const char *path, char **argv);

/* Instead: nothing is launched. Signals that end a recording are all for us. */
void ct_launch_nothing(struct ct_launch *launch);

/*
 * Deals with all signals that have come. The program gets each of them as often as it would without
 * us: one that went to its whole process group is not handed on. Once the program has ended,
 * SIGHUP, SIGINT, SIGQUIT and SIGTERM are for us, unless we were started with them ignored.
 */
void ct_launch_handle_signals(struct ct_launch *launch);

/* The signals that are to be dealt with: before there is a program, only those that end us. */
void ct_launch_signals(const struct ct_launch *launch, gboolean is_early, sigset_t *set);

/* Deals with one of them that was taken, and waits for no process. TRUE if it is to end us. */
gboolean ct_launch_handle_signal(struct ct_launch *launch, const siginfo_t *info);

/* The exit status that a shell would give. */
int ct_launch_exit_status(const struct ct_launch *launch);

void ct_launch_clear(struct ct_launch *launch);

#endif
