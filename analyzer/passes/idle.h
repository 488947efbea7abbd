/*
 * Idle or delay: what a wait was for, by the rule that ctrace-findings(7) states. The rest of the
 * recording decides with it: which sockets are a server's, and whether those who were waited for
 * were busy. That is always the whole recording, so that a wait is one or the other whatever part
 * is asked for.
 */
#ifndef CTRACE_PASSES_IDLE_H
#define CTRACE_PASSES_IDLE_H

#include "model/sink.h"
#include "symbols/symbols.h"

enum ct_cause {
    CT_CAUSE_IDLE,        /* for work, or nobody knows for what */
    CT_CAUSE_OTHERS,      /* for another thread, whose own time tells why */
    CT_CAUSE_LOCK,        /* for a lock, or what is used as one */
    CT_CAUSE_PEER,        /* for the other end of a connection or pipe */
    CT_CAUSE_FILE,        /* for files and disks */
    CT_CAUSE_CHILD,       /* for child processes that ran, or are not recorded */
    CT_CAUSE_POLLING,     /* short sleeps, many times */
    CT_CAUSE_SLOW_THREAD, /* for another thread, which ran */
};

/* What the rule asks of a wait. */
struct ct_wait_traits {
    const struct ct_thread *thread; /* borrowed, as all here */
    const struct ct_thread *waker;  /* NULL: unknown */
    enum ct_op op;
    enum ct_class class;
    uint32_t stack_id;
    gboolean is_for_lock;
    enum ct_fd_role fd_role; /* of what ended a wait for any of several; then is_ended_by_fd */
    gboolean is_ended_by_fd;
    enum ct_fd_kind fd_kind; /* of a descriptor; see ct_fd_find_ends() */
    const char *local;
    const char *peer;
};

struct ct_wait_traits ct_wait_traits_of(const struct ct_interval *interval);

struct ct_idle;

/* Both are borrowed. The model is complete by the time that it is asked. */
struct ct_idle *ct_idle_new(const struct ct_model *model, struct ct_symbolizer *symbolizer);
void ct_idle_free(struct ct_idle *idle);
typedef struct ct_idle ct_idle; /* for g_autoptr(ct_idle) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_idle, ct_idle_free)

enum ct_cause ct_idle_cause(struct ct_idle *idle, const struct ct_wait_traits *wait);

/* Is the thread idle in this interval? Not where it is in line for a CPU, or in no call. */
gboolean ct_idle_has(struct ct_idle *idle, const struct ct_interval *interval);

/* Children of one process. */
struct ct_idle_children {
    guint count;                   /* of processes, whatever they executed */
    const struct ct_process *last; /* borrowed; the last program */
    double alive_ns;               /* of their threads */
    double able_ns;                /* for which those ran, or could have */
};

/* Those that the process started. NULL: none was recorded. */
const struct ct_idle_children *ct_idle_children(struct ct_idle *idle,
                                                const struct ct_process *process);

#endif
