/*
 * Idle or delay: what a wait was for, by the rule that ctrace-findings(7) states. The rest of the
 * recording decides with it: which sockets are a server's, and whether those who were waited for
 * were busy. That is always the whole recording, so that a wait is one or the other whatever part
 * is asked for.
 */
#ifndef CTRACE_PASSES_IDLE_H
#define CTRACE_PASSES_IDLE_H

#include "passes/wait_traits.h"
#include "symbols/symbols.h"

enum ct_cause {
    CT_CAUSE_IDLE,        /* for work, or nobody knows for what */
    CT_CAUSE_OTHERS,      /* for another thread, whose own time tells why */
    CT_CAUSE_LOCK,        /* for a lock, or what is used as one */
    CT_CAUSE_PEER,        /* for the other end of a connection or pipe */
    CT_CAUSE_FILE,        /* for files and disks */
    CT_CAUSE_CHILD,       /* for child processes that ran, or are not recorded */
    CT_CAUSE_POLLING,     /* short sleeps, many times */
    CT_CAUSE_AWAY,        /* asleep, where events come that the thread serves */
    CT_CAUSE_SLOW_THREAD, /* for another thread, which ran */
    CT_CAUSE_BARRIER,     /* for the last thread to come to a barrier */
    CT_CAUSE_QUOTA,       /* for a cgroup's next quota of CPU time */
};

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
