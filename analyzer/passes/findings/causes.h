/*
 * Idle or delay: what a wait was for, by the rule that the manual states. The rest of a recording
 * decides with it: which sockets are a server's, and whether those who were waited for were busy.
 */
#ifndef CTRACE_FINDINGS_CAUSES_H
#define CTRACE_FINDINGS_CAUSES_H

#include "passes/findings/findings.h"

enum ct_cause {
    CT_CAUSE_IDLE,        /* for work, or nobody knows for what */
    CT_CAUSE_OTHERS,      /* for another thread, whose own time tells why */
    CT_CAUSE_LOCK,        /* for a lock, or what is used as one */
    CT_CAUSE_PEER,        /* for the other end of a connection or pipe */
    CT_CAUSE_FILE,        /* for files and disks */
    CT_CAUSE_CHILD,       /* for child processes that ran, or are not recorded */
    CT_CAUSE_POLLING,     /* short sleeps, many times */
    CT_CAUSE_SLOW_THREAD, /* for another thread, which ran */
    CT_CAUSE_BARRIER,     /* for the last thread to come to a barrier */
};

struct ct_causes;

/* `input` is borrowed. */
struct ct_causes *ct_causes_new(const struct ct_findings_input *input);
void ct_causes_free(struct ct_causes *causes);
typedef struct ct_causes ct_causes; /* for g_autoptr(ct_causes) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_causes, ct_causes_free)

enum ct_cause ct_cause_of(const struct ct_causes *causes, const struct ct_evidence_wait *wait);

/* Is the thread one of those that this is about? */
gboolean ct_causes_has(const struct ct_causes *causes, const struct ct_thread *thread);

/* Of one thread, or the sums of several. */
struct ct_causes_life {
    double alive_ns;
    double able_ns; /* for which it ran, or could have */
};

void ct_causes_add_life(const struct ct_causes *causes, const struct ct_thread *thread,
                        struct ct_causes_life *sum);
/* struct ct_thread *. */
struct ct_causes_life ct_causes_sum_lives(const struct ct_causes *causes, const GPtrArray *threads);
/* Of their lives: for which they ran, or could have. */
double ct_causes_busy_share(const struct ct_causes *causes, const GPtrArray *threads);

/* Children of one process. */
struct ct_causes_children {
    guint count;                   /* of processes, whatever they executed */
    const struct ct_process *last; /* borrowed; the last program */
    struct ct_causes_life life;    /* of their threads */
};

/* Those that the process started. NULL: none was recorded. */
const struct ct_causes_children *ct_causes_children(const struct ct_causes *causes,
                                                    const struct ct_process *process);

#endif
