/* A lane as columns of equal width, each summed up to the nanosecond: what a picture of any part of
 * it takes. Pages answer for what lies inside one column, so that the cost grows with the columns
 * and not with what lies in them. */
#ifndef CTRACE_STORE_COLUMNS_H
#define CTRACE_STORE_COLUMNS_H

#include "store/store.h"

#define CT_COLUMN_LEVEL_MAX 62

/* The longest of what touches a column, the first of several; whole, with what lies outside. */
struct ct_store_peak {
    gboolean is_there;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t sequence;
    enum ct_class class;      /* RUNNING in lanes other than a thread's intervals */
    struct ct_thread *thread; /* borrowed; whose it is: who ran, or who waited */
};

struct ct_store_column {
    uint64_t class_ns[CT_CLASS_COUNT]; /* what lies in it; of other lanes than a thread's intervals
                                          all is RUNNING, and an object's is that of all waiters */
    struct ct_store_peak peak;
};

/* `count` columns of 2^level ns, from `begin_ns` on. */
struct ct_store_grid {
    uint64_t begin_ns;
    unsigned level; /* at most CT_COLUMN_LEVEL_MAX */
    guint count;
};

/* Fill `columns`, which are all 0 before, one for each of the grid. A thread's times are those of
 * its intervals: what is left of its life, it ran. FALSE: an error. */
gboolean ct_store_thread_columns(struct ct_store *store, struct ct_thread *thread,
                                 const struct ct_store_grid *grid, struct ct_store_column *columns,
                                 GError **error);
gboolean ct_store_cpu_columns(struct ct_store *store, uint32_t cpu,
                              const struct ct_store_grid *grid, struct ct_store_column *columns,
                              GError **error);
gboolean ct_store_object_columns(struct ct_store *store, guint index,
                                 const struct ct_store_grid *grid, struct ct_store_column *columns,
                                 GError **error);

/* How often an object was waited for, and how long, over the whole recording. */
void ct_store_object_total(const struct ct_store *store, guint index, uint64_t *count,
                           uint64_t *waited_ns);
/* The longest wait for it; of several, the first. FALSE: an error. */
gboolean ct_store_object_longest(struct ct_store *store, guint index, struct ct_store_id *id,
                                 GError **error);

#endif
