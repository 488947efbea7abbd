/*
 * Locks for which threads waited: by whom they were held meanwhile, what those did, and who was in
 * line. Times are sums over the waiters, with the weights of sampled waits, each wait's rounded as
 * a whole: what a lock's time is divided into adds up to it, to the nanosecond.
 */
#ifndef CTRACE_PASSES_LOCK_HOLDING_H
#define CTRACE_PASSES_LOCK_HOLDING_H

#include "passes/lock_waits.h"

/* What a holder did. Of WAITING, for what; and who held that up, where it was another lock. */
struct ct_lock_activity {
    enum ct_lock_share share;
    enum ct_class class;
    enum ct_op op;        /* NONE: in no call */
    uint64_t object;      /* of a lock; else 0 */
    uint32_t stack_id;    /* that waited first so, in the holder's process */
    gboolean is_for_lock; /* then the next are of the last one in line */
    gboolean is_circle;
    enum ct_lock_share last_share;
    enum ct_class last_class;
    enum ct_op last_op;
    uint64_t ns;
};

/* Where it was held: the stack that let go of it. */
struct ct_lock_holder {
    gboolean is_others;               /* all places beyond those that are told apart */
    const struct ct_process *process; /* borrowed; NULL: who held it is not known */
    const struct ct_thread *thread;   /* borrowed; the first; NULL: not known */
    gboolean has_several_threads;
    uint32_t stack_id; /* 0: not known, and the place is a thread's */
    enum ct_op op;     /* by which it let go; NONE: not known */
    uint64_t ns;
    GArray *activities; /* owned; struct ct_lock_activity, the most time first; they add up to it */
};

/* Where it was waited for. */
struct ct_lock_waiter {
    gboolean is_others;               /* as above */
    const struct ct_process *process; /* borrowed; NULL: of others */
    uint32_t stack_id;
    enum ct_op op;
    double count; /* of waits */
    uint64_t ns;
};

struct ct_lock_holding {
    const struct ct_process *process; /* borrowed; NULL: all locks beyond those told apart */
    enum ct_object kind;
    uint64_t object; /* its address */
    enum ct_op op;   /* of the first wait for it, as the next two */
    uint32_t stack_id;
    uint64_t at_ns;                         /* when that began */
    double count;                           /* of waits */
    uint64_t ns;                            /* of all waiters */
    uint64_t longest_ns;                    /* one wait */
    uint64_t share_ns[CT_LOCK_SHARE_COUNT]; /* they add up to `ns` */
    guint thread_count;                     /* that waited */
    guint longest_queue;                    /* of threads in line at once; 0: not known */

    /* Of the time for which the holder was runnable: it was of lower priority than the waiter. Both
     * are borrowed, and those of the longest such part. */
    uint64_t inverted_ns;
    uint64_t longest_inverted_ns;
    const struct ct_thread *inverted_waiter;
    const struct ct_thread *inverted_holder;

    /* Those that are known from begin to end: of who had waited for it, while others did. */
    uint64_t hold_count;
    uint64_t hold_ns;
    uint64_t longest_hold_ns;

    GPtrArray *holders; /* owned; struct ct_lock_holder *, the most time first: they add up to the
                           first four shares */
    GPtrArray
        *waiters; /* owned; struct ct_lock_waiter *, the most time first; they add up to `ns` */
};

/* What a lock is in whatever model of the recording. */
struct ct_lock_key {
    int32_t pid;
    uint64_t process_start_ns;
    enum ct_object kind;
    uint64_t object;
};

struct ct_lock_key ct_lock_key_of(const struct ct_process *process, enum ct_object kind,
                                  uint64_t object);
gboolean ct_lock_key_is_of(const struct ct_lock_key *key, const struct ct_lock_holding *holding);

/* struct ct_lock_holding *, that with the most time first. NULL: an error. The caller owns it.
 * Only waits in the scope count; all of the recording is asked for who held up those. */
GPtrArray *ct_lock_holdings_find(struct ct_store *store, const struct ct_store_scope *scope,
                                 GError **error);

/* The same of these locks alone (struct ct_lock_key), for shares rather than sums: of many waits
 * for one lock, some are looked at and stand for the others. Without longest queues. */
GPtrArray *ct_lock_holdings_estimate(struct ct_store *store, const struct ct_store_scope *scope,
                                     const GArray *keys, GError **error);

#endif
