/* A profile with waits at stacks of the running test program. */
#ifndef CTRACE_PPROF_FIXTURE_H
#define CTRACE_PPROF_FIXTURE_H

#include "export/pprof.h"

/* What each of its `fixture_rounds` waits took. */
#define FIXTURE_WAIT_NS 1000000

/* The process is this program; a thread "worker" of it, tid 42, waited `rounds` times for the
 * lock `fixture_lock`, once more without a stack, and once with no end. */
struct ct_model *fixture_pprof_model(void);
GBytes *fixture_pprof(const struct ct_model *model, enum ct_profile_kind kind, int rounds);

/* The return address in fixture_lock_loudly(), and the lock. */
uint64_t fixture_call_address(void);
extern int fixture_lock[10];

#endif
