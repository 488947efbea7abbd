/* Processes that run already: they are recorded as they are, and never touched. */
#ifndef CTRACE_RECORD_ATTACHED_H
#define CTRACE_RECORD_ATTACHED_H

#include <glib.h>
#include <sys/types.h>

struct ct_attached;

/*
 * The processes `pids` (pid_t). NULL and an error that says what to do, if one of them is not
 * there, or cannot be looked at.
 */
struct ct_attached *ct_attached_new(const GArray *pids, GError **error);

/* Readable when one of them has ended. */
int ct_attached_fd(const struct ct_attached *attached);

/* TRUE if all of them have ended. */
gboolean ct_attached_have_ended(struct ct_attached *attached);

/* "process 12 (redis-server), process 13 (nginx)". Caller frees. */
char *ct_attached_describe(const struct ct_attached *attached);

void ct_attached_free(struct ct_attached *attached);

#endif
