/*
 * Locks of well-known programs that these made themselves of something else: by the functions that
 * wait for them.
 */
#ifndef CTRACE_FINDINGS_KNOWN_LOCKS_H
#define CTRACE_FINDINGS_KNOWN_LOCKS_H

#include "passes/findings/findings.h"

/* "a row lock of PostgreSQL (XactLockTableWait)"; NULL: the wait is for none. */
const char *ct_known_lock(const struct ct_findings_input *input,
                          const struct ct_evidence_wait *wait);

#endif
