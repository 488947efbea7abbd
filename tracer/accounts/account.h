/*
 * What one thread's time was spent on. The kernel tells exactly how long it ran and how long it was
 * in line for a CPU; what is left of the time is spent off the CPU, and goes to what the thread is
 * seen to wait for at each look. A look that finds it on a CPU leaves that rest for the next one.
 * No figure ever goes down.
 */
#ifndef CTRACE_ACCOUNTS_ACCOUNT_H
#define CTRACE_ACCOUNTS_ACCOUNT_H

#include "look.h"

struct ct_account {
    uint64_t ns[CT_CLASS_COUNT];
    uint64_t begin_ns;             /* since then */
    struct ct_look_times at_begin; /* what the thread had by then */
};

/* Times off the CPU that were told so far. */
uint64_t ct_account_off_cpu_ns(const struct ct_account *account);

/*
 * A look at `now_ns`. `class` is what it waits for; RUNNING: it has a CPU, or is in line for one.
 * What that adds goes to `added`.
 */
void ct_account_update(struct ct_account *account, uint64_t now_ns,
                       const struct ct_look_times *times, enum ct_class class,
                       uint64_t added[CT_CLASS_COUNT]);

/* How much of the time up to `now_ns` is told by no class yet. */
uint64_t ct_account_untold_ns(const struct ct_account *account, uint64_t now_ns);

#endif
