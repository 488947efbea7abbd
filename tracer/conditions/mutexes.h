/* Which threads of others wait for a mutex, and who has it: that lies in their memory, which is
 * read. */
#ifndef CTRACE_CONDITIONS_MUTEXES_H
#define CTRACE_CONDITIONS_MUTEXES_H

#include <glib.h>

struct ct_mutexes {
    GArray *waits;       /* owned; struct ct_lock_wait, as circle.h has it */
    gboolean is_refused; /* of some that is not ours to see */
};

/*
 * Of `threads` (struct ct_account_thread *), those that have waited for a second or longer, without
 * a time at which they give up. As glibc has its mutexes, on its own ABI, but for those that are
 * robust, shared by priority, or another process's.
 */
void ct_mutexes_find(struct ct_mutexes *mutexes, const GPtrArray *threads);
void ct_mutexes_clear(struct ct_mutexes *mutexes);

#endif
