/*
 * What those who wait in line for one lock have in common. Where thousands do, each of them waits
 * for all of the others, and all for the same holds: each hold is divided once, and counts for as
 * many as waited throughout it. Memory is bounded: where there is more, what there is is divided.
 */
#ifndef CTRACE_PASSES_LOCK_COMMON_H
#define CTRACE_PASSES_LOCK_COMMON_H

#include "passes/lock_table.h"
#include "passes/lock_waits.h"

/* Waits throughout one hold, of threads of one priority. */
struct ct_lock_common_hold {
    struct ct_lock_sum *lock;       /* borrowed, as are the next */
    const GArray *parts;            /* struct ct_lock_part: of the hold */
    const struct ct_thread *waiter; /* one of them */
    uint64_t weight;                /* for how many each of the waits stands */
    uint64_t count;                 /* of waits, with their weights */
};

struct ct_lock_common;

/* The store is borrowed. */
struct ct_lock_common *
ct_lock_common_new(struct ct_store *store,
                   void (*visit)(void *user, const struct ct_lock_common_hold *hold), void *user);
void ct_lock_common_free(struct ct_lock_common *common);
typedef struct ct_lock_common ct_lock_common; /* for g_autoptr(ct_lock_common) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_lock_common, ct_lock_common_free)

/* Each of the wait's holds that are left out of its parts is visited, now or later. Waits come in
 * the order in which they end. FALSE: an error. */
gboolean ct_lock_common_add(struct ct_lock_common *common, struct ct_lock_sum *lock,
                            const struct ct_lock_wait *wait, uint64_t weight, GError **error);

/* Visits all that were not. FALSE: an error. */
gboolean ct_lock_common_finish(struct ct_lock_common *common, GError **error);

#endif
