/* A thread that is looked at. */
#ifndef CTRACE_ACCOUNTS_THREAD_H
#define CTRACE_ACCOUNTS_THREAD_H

#include "account.h"
#include "kinds.h"
#include "process.h"
#include "waits.h"

/* What a look shows of it; good for as long as the accounts are. */
struct ct_seen_thread {
    pid_t pid;
    pid_t tid;
    char name[CT_PROC_NAME_SIZE];
    struct ct_wait wait;
    uint64_t since_ns;   /* CLOCK_MONOTONIC; it was seen in that wait ever since */
    uint64_t looked_ns;  /* when that was */
    gboolean is_starved; /* in line for a CPU at this look and the last one, and never on one */
};

struct ct_account_thread {
    struct ct_seen_thread seen;         /* at the last look */
    struct ct_account_process *process; /* borrowed */
    struct ct_kind *kind;               /* borrowed */
    struct ct_account account;
    enum ct_class untold; /* what the time that the account cannot tell yet is likely to become */

    struct ct_look_times times; /* of the last look */
    enum ct_class last_wait;    /* that it was seen in; RUNNING: none yet */
    uint64_t waits;             /* so many there had been when they were last counted */
    uint64_t waits_ns;          /* when that was */
    uint64_t whole_ns;          /* when more than its times was last looked at */
    uint64_t seen_at;           /* the number of the last look */
    guint process_names;        /* how many its process had had when it was put into its kind */
    int fd;                     /* owned; of its times; -1: not kept open */
};

/* Where threads are put, and what is known. Borrowed. */
struct ct_account_context {
    struct ct_kinds *kinds;
    struct ct_syscall_names *names;
    uint64_t last_ns;    /* of the look before this one; 0: there was none */
    gboolean keeps_open; /* whether there is room for one open file more */
};

/* One that has begun since the last look is told of from its beginning on, others from now on.
 * NULL: it has ended. */
struct ct_account_thread *ct_account_thread_new(struct ct_account_process *process, pid_t tid,
                                                const struct ct_account_context *context);

/* FALSE: it has ended, or its number is another's by now. */
gboolean ct_account_thread_look(struct ct_account_thread *thread,
                                const struct ct_account_context *context);

/* It has ended: frees it. TRUE: a file was kept open for it. */
gboolean ct_account_thread_end(struct ct_account_thread *thread);

#endif
