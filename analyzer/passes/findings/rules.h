/* The rules, a file each: each adds what it finds, however small. */
#ifndef CTRACE_FINDINGS_RULES_H
#define CTRACE_FINDINGS_RULES_H

#include "passes/findings/gatherings.h"

/* `findings`: struct ct_finding *, owned by it. */
typedef void ct_findings_rule(const struct ct_findings_case *a_case, const char *name,
                              GPtrArray *findings);

ct_findings_rule ct_findings_hang;
ct_findings_rule ct_findings_lock;
ct_findings_rule ct_findings_run_queue;
ct_findings_rule ct_findings_quota;
ct_findings_rule ct_findings_peer;
ct_findings_rule ct_findings_unanswered;
ct_findings_rule ct_findings_file;
ct_findings_rule ct_findings_child;
ct_findings_rule ct_findings_polling;
ct_findings_rule ct_findings_slow_thread;
ct_findings_rule ct_findings_barrier;
ct_findings_rule ct_findings_herd;
ct_findings_rule ct_findings_lock_order;
ct_findings_rule ct_findings_slow_turn;
ct_findings_rule ct_findings_critical_path;

#endif
