/* What conditions are judged by, out of accounts of threads: see accounts/accounts.h. */
#ifndef CTRACE_CONDITIONS_SIGHT_H
#define CTRACE_CONDITIONS_SIGHT_H

#include "accounts/accounts.h"
#include "conditions/judge.h"

struct ct_sight;

struct ct_sight_wish {
    gboolean has_memory; /* that is to be looked at, too */
    gboolean has_circle;
};

struct ct_sight *ct_sight_new(const struct ct_sight_wish *wish);
void ct_sight_free(struct ct_sight *sight);

/* After each look of the accounts, but for the heap, which they do not tell. Borrowed, until the
 * next time, and their next look. */
const struct ct_watched *ct_sight_update(struct ct_sight *sight,
                                         const struct ct_accounts *accounts);

/* Some of what processes wait for, or of their mutexes, is not ours to see. */
gboolean ct_sight_is_refused(const struct ct_sight *sight);

#endif
