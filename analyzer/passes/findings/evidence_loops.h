/* Event loops, as their threads' waits come. */
#ifndef CTRACE_FINDINGS_EVIDENCE_LOOPS_H
#define CTRACE_FINDINGS_EVIDENCE_LOOPS_H

#include "passes/findings/evidence.h"

/* The interval is no time in the run queue. */
void ct_evidence_add_to_loop(struct ct_evidence *evidence, const struct ct_interval *interval,
                             const struct ct_window *window);

#endif
