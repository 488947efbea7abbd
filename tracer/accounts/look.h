/* What /proc tells of one thread at one moment. */
#ifndef CTRACE_ACCOUNTS_LOOK_H
#define CTRACE_ACCOUNTS_LOOK_H

#include "schema/kernel_events.h"
#include "system/procfs.h"

#include <glib.h>

/* Since the thread began: as exact as the kernel's own accounts. */
struct ct_look_times {
    uint64_t running_ns;
    uint64_t runnable_ns; /* in line for a CPU; without the time that it is in line just now */
    uint64_t turns;       /* so often it got a CPU */
};

/* An open /proc/PID/task/TID/schedstat, which stays this thread's own; -1: there is none. */
int ct_look_open(pid_t pid, pid_t tid);

/* FALSE: it has ended. `fd` may be -1: it is opened for the one look then. */
gboolean ct_look_read_times(pid_t pid, pid_t tid, int fd, struct ct_look_times *times);

/* Whether this kernel keeps such accounts (CONFIG_SCHED_INFO). */
gboolean ct_look_has_times(void);

/* Where a thread is. */
enum ct_look_place {
    CT_PLACE_ON_CPU,    /* or in line for one */
    CT_PLACE_IN_CALL,   /* waits in a system call */
    CT_PLACE_ELSEWHERE, /* waits in none, as for a page */
    CT_PLACE_HIDDEN     /* waits, and where is not ours to see */
};

struct ct_look {
    enum ct_look_place place;
    char state;                   /* as ps(1) shows it */
    char name[CT_PROC_NAME_SIZE]; /* of the thread */
    uint64_t start_ns;            /* CLOCK_MONOTONIC, to some 10 ms */
    int64_t number;               /* of the system call */
    uint64_t arguments[CT_SYSCALL_ARGUMENTS];
    char function[64]; /* of the kernel's, in which it waits; where its call is hidden */
};

/* FALSE: it has ended. */
gboolean ct_look_read(pid_t pid, pid_t tid, struct ct_look *look);

/* So often the thread left its CPU to wait for something, in all its life. FALSE: that cannot be
 * read. */
gboolean ct_look_read_waits(pid_t pid, pid_t tid, uint64_t *waits);

/* What /proc/PID/task/TID/syscall says. */
void ct_look_parse_call(const char *text, struct ct_look *look);

#endif
