/* The locks that were waited for, while they are summed up, found by what they are. */
#ifndef CTRACE_PASSES_LOCK_TABLE_H
#define CTRACE_PASSES_LOCK_TABLE_H

#include "passes/lock_holding.h"

/* A lock, while it is summed up. */
struct ct_lock_sum {
    struct ct_lock_holding *holding; /* owned */
    GHashTable *holders;             /* owned; struct ct_lock_holder *, as a set; borrowed */
    GHashTable *waiters;             /* owned; struct ct_lock_waiter *, as a set; borrowed */
    GHashTable *taken_ns; /* owned; struct ct_thread * -> uint64_t *, owned: when who has waited
                             took it; 0: it has let go since, or it did not take it */
    uint64_t released_ns; /* the last release that was seen */
};

struct ct_lock_table;

struct ct_lock_table *ct_lock_table_new(void);
void ct_lock_table_free(struct ct_lock_table *table);
typedef struct ct_lock_table ct_lock_table; /* for g_autoptr(ct_lock_table) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_lock_table, ct_lock_table_free)

/* Of the lock that the interval is for; made if there is none, up to a limit: of more, one is of
 * all others. */
struct ct_lock_sum *ct_lock_table_add(struct ct_lock_table *table,
                                      const struct ct_interval *interval);
/* NULL: there is none. */
struct ct_lock_sum *ct_lock_table_find(const struct ct_lock_table *table,
                                       const struct ct_store_object *object);

/* Where that part has its holder, and that wait its stack; made as above. */
struct ct_lock_holder *ct_lock_sum_add_holder(struct ct_lock_sum *sum,
                                              const struct ct_lock_part *part);
struct ct_lock_waiter *ct_lock_sum_add_waiter(struct ct_lock_sum *sum,
                                              const struct ct_interval *interval);

/* All of it, in order, which is the caller's: the table is of no use then. */
GPtrArray *ct_lock_table_finish(struct ct_lock_table *table);

#endif
