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
};

struct ct_causes;

/* `input` is borrowed. */
struct ct_causes *ct_causes_new(const struct ct_findings_input *input);
void ct_causes_free(struct ct_causes *causes);
typedef struct ct_causes ct_causes; /* for g_autoptr(ct_causes) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_causes, ct_causes_free)

enum ct_cause ct_cause_of(const struct ct_causes *causes, const struct ct_evidence_wait *wait);

/* NULL: it is none of those that this is about. */
const struct ct_life *ct_causes_life(const struct ct_causes *causes,
                                     const struct ct_thread *thread);

/* The time for which it ran, or could have. */
double ct_causes_able_ns(const struct ct_causes *causes, const struct ct_thread *thread);

/* Children of one process. */
struct ct_causes_children {
    guint count;                   /* of processes, whatever they executed */
    const struct ct_process *last; /* borrowed; the last program */
    double alive_ns;               /* of their threads */
    double able_ns;                /* for which those ran, or could have */
};

/* Those that the process started. NULL: none was recorded. */
const struct ct_causes_children *ct_causes_children(const struct ct_causes *causes,
                                                    const struct ct_process *process);

#endif
