/* Which of the processes that run are looked at: some with what they start, all of a cgroup, or all
 * that may be. */
#ifndef CTRACE_ACCOUNTS_SELECTION_H
#define CTRACE_ACCOUNTS_SELECTION_H

#include <glib.h>

struct ct_selection;

/*
 * `targets` are words of processes' ids and of names (char *; NULL or empty: none), whose processes
 * are found anew at each look; `cgroup` is as system/cgroup.h has it, or NULL. Without either: all
 * of the machine. NULL and an error if there is none of those.
 */
struct ct_selection *ct_selection_new(const GPtrArray *targets, const char *cgroup, GError **error);

/* Of those words, also where there is no such process yet. */
struct ct_selection *ct_selection_expect(const GPtrArray *targets);

void ct_selection_free(struct ct_selection *selection);

/* Processes of it that there are now; threads of the kernel may be among them. Of pid_t. Caller
 * unrefs. */
GArray *ct_selection_list(struct ct_selection *selection);

/* Whether it names processes, rather than all that there are. */
gboolean ct_selection_is_narrow(const struct ct_selection *selection);

#endif
