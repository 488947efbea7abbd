/* What /proc tells of other processes. All of it may be over by the time that it is read. */
#ifndef CTRACE_SYSTEM_PROCFS_H
#define CTRACE_SYSTEM_PROCFS_H

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

#define CT_PROC_NAME_SIZE 16

/* As ps(1) shows the states of those that have ended. */
#define CT_PROC_HAS_ENDED(state) ((state) == 'Z' || (state) == 'X')

/* A process, or one of its threads. */
struct ct_proc_stat {
    char name[CT_PROC_NAME_SIZE]; /* of the thread */
    char state;                   /* as ps(1) shows it: Z is a zombie */
    pid_t parent_pid;
    gboolean is_kernel_thread;
    uint64_t start_ns; /* CLOCK_MONOTONIC, to some 10 ms */
};

/* FALSE: there is none. */
gboolean ct_proc_read_stat(pid_t pid, pid_t tid, struct ct_proc_stat *stat);

/*
 * A thread through which the process can be looked at: /proc/TID/maps and its like. Its first one,
 * unless that has ended, and has nothing any more, while others go on.
 */
pid_t ct_proc_find_living(pid_t pid);

/* What a line of /proc/PID/status says after `label`, such as "Tgid:". NULL: it is not there.
 * Caller frees. */
char *ct_proc_read_status(pid_t pid, const char *label);

/* The arguments as one would type them. Caller frees. */
char *ct_command_line(char **argv);

/* The arguments as one would type them; empty if they are not told. Caller frees. */
char *ct_proc_read_command_line(pid_t pid);

/* Whether the names of its files are ours: it is in our mount namespace, and has our root. */
gboolean ct_proc_shares_files(pid_t pid);

/* Whether it has mapped a file whose name begins so, in whatever folder. */
gboolean ct_proc_has_mapped(pid_t pid, const char *name);

/* Whether we may look into it: see what it has mapped, and the like. */
gboolean ct_proc_may_look(pid_t pid);

/*
 * Whether the process, of which that is known, is the recorder, or has been started by it or for
 * it: so are the job that it is a child of, and LTTng's daemons, which may be its.
 */
gboolean ct_proc_is_of_recording(pid_t pid, const struct ct_proc_stat *stat);

/* All processes of this pid namespace, in the order of /proc, which is that of their ids. Of pid_t.
 * Caller unrefs. */
GArray *ct_proc_list_processes(void);

/* The threads of a process; empty if there is none. Of pid_t. Caller unrefs. */
GArray *ct_proc_list_threads(pid_t pid);

/*
 * `roots`, those of them that there are, and if `follows_children` all their present descendants: a
 * parent before its children, each once; but not this process with what it has started, nor the job
 * that it is of, nor LTTng's daemons, which may be its. Of pid_t. Caller unrefs.
 */
GArray *ct_proc_list_tree(const GArray *roots, gboolean follows_children);

/*
 * Calls `visit` once for each thread of that tree, also those that appear meanwhile, until it
 * returns FALSE. TRUE if it never did.
 */
gboolean ct_proc_visit_threads(const GArray *roots, gboolean follows_children,
                               gboolean (*visit)(void *user, pid_t tid), void *user);

#endif
