/* What the waits of the evidence were for, and how those lived who waited. */
#ifndef CTRACE_FINDINGS_CAUSES_H
#define CTRACE_FINDINGS_CAUSES_H

#include "passes/findings/findings.h"

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

#endif
