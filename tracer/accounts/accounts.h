/*
 * What every thread of some processes spends its time on, kept by looks at /proc: no recording, and
 * nothing that the processes could notice.
 *
 * Time on a CPU, and in line for one, is exact. The rest is divided by what was seen at each look:
 * see account.h. Threads that begin and end between two looks are not seen.
 */
#ifndef CTRACE_ACCOUNTS_ACCOUNTS_H
#define CTRACE_ACCOUNTS_ACCOUNTS_H

#include "selection.h"
#include "thread.h"

struct ct_accounts_totals {
    uint64_t begin_ns; /* of the first look; CLOCK_MONOTONIC */
    uint64_t now_ns;   /* and of the last one */
    uint64_t looks;
    uint64_t cost_ns; /* CPU time that the looks took */
    guint processes;
    guint refused; /* processes whose waits are not ours to see; their times are */
};

struct ct_accounts;

/* Takes the selection, also where it fails: this kernel may keep no times of threads. */
struct ct_accounts *ct_accounts_new(struct ct_selection *selection, GError **error);
void ct_accounts_free(struct ct_accounts *accounts);

/* Looks at all of them. */
void ct_accounts_look(struct ct_accounts *accounts);

/* How long to do nothing until the next look, so that looks like the cheaper one of the last two
 * take less than 1 % of one CPU; it differs from time to time, so that nothing goes in step with
 * it. */
uint64_t ct_accounts_pause_ns(const struct ct_accounts *accounts);

const struct ct_accounts_totals *ct_accounts_totals(const struct ct_accounts *accounts);

/* Borrowed, until the next look: struct ct_account_thread * in no order. */
const GPtrArray *ct_accounts_threads(const struct ct_accounts *accounts);

/* struct ct_kind *, by number. Borrowed. */
const GPtrArray *ct_accounts_kinds(const struct ct_accounts *accounts);

gboolean ct_accounts_are_narrow(const struct ct_accounts *accounts);

#endif
