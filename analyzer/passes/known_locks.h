/*
 * Locks of well-known programs that these made themselves of something else: by the functions that
 * wait for them.
 */
#ifndef CTRACE_PASSES_KNOWN_LOCKS_H
#define CTRACE_PASSES_KNOWN_LOCKS_H

#include "passes/wait_traits.h"
#include "symbols/symbols.h"

/* "a row lock of PostgreSQL (XactLockTableWait)"; NULL: the wait is for none. */
const char *ct_known_lock(struct ct_symbolizer *symbolizer, const struct ct_wait_traits *wait);

#endif
