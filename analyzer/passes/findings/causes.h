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

/* NULL: it is none of those that this is about. */
const struct ct_life *ct_causes_life(const struct ct_causes *causes,
                                     const struct ct_thread *thread);

/* The time for which it ran, or could have. */
double ct_causes_able_ns(const struct ct_causes *causes, const struct ct_thread *thread);

#endif
