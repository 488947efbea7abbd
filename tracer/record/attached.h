/* Processes that run already: they are recorded as they are, and never touched. */
#ifndef CTRACE_RECORD_ATTACHED_H
#define CTRACE_RECORD_ATTACHED_H

#include "system/running.h"

#include <glib.h>
#include <sys/types.h>

struct ct_attached;

/*
 * Those that `targets` name: see targets.h. NULL and an error that says what to do, if one of them
 * is not there or cannot be looked at, or of a name none can.
 */
struct ct_attached *ct_attached_new(const GPtrArray *targets, GError **error);

/* All that is in a cgroup: see cgroup.h. */
struct ct_attached *ct_attached_new_cgroup(const char *name, GError **error);

/* All of the machine. */
struct ct_attached *ct_attached_new_machine(GError **error);

/* Which ones. Borrowed. */
struct ct_running *ct_attached_running(const struct ct_attached *attached);

/* Others that have a name that was given, and why they are not attached to. NULL: there are none.
 * Borrowed. */
const char *ct_attached_left_out(const struct ct_attached *attached);

/* Readable when one of them has ended; -1 where nobody waits for that. */
int ct_attached_fd(const struct ct_attached *attached);

/* TRUE if all of them have ended, or nothing can come into their cgroup any more. */
gboolean ct_attached_have_ended(struct ct_attached *attached);

/* "process 12 (redis-server), process 13 (nginx)": the first of them, and how many more; or "cgroup
 * PATH, with" those. Caller frees. */
char *ct_attached_describe(const struct ct_attached *attached);

void ct_attached_free(struct ct_attached *attached);

#endif
