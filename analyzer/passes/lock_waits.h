/*
 * A wait for a lock, divided: among all who held it meanwhile, and of each into what that one did.
 * The owner that was noted when the wait began is not asked where releases tell more.
 */
#ifndef CTRACE_PASSES_LOCK_WAITS_H
#define CTRACE_PASSES_LOCK_WAITS_H

#include "model/holders.h"
#include "store/store.h"

/* What a part of a lock wait went to. SHARE(symbol, name). */
#define CT_LOCK_SHARES(SHARE)                                                                     \
    SHARE(RUNNING, "running")   /* the holder was on a CPU, as far as is known */                 \
    SHARE(RUNNABLE, "runnable") /* the holder was waiting for a CPU */                            \
    SHARE(WAITING, "waiting")   /* the holder was waiting itself */                               \
    SHARE(UNKNOWN, "unknown")   /* the recording tells not who held it, or what that did */       \
    SHARE(HAND_OFF, "hand_off") /* it was let go, and whoever is next had not taken it */         \
    SHARE(OWN_QUEUE, "waiter_runnable") /* the waiter was let go on, and was waiting for a CPU */ \
    SHARE(OWN_TIME, "waiter_running")   /* the waiter was on a CPU, or in a signal handler's wait */

enum ct_lock_share {
#define CT_LOCK_SHARE_SYMBOL(symbol, name) CT_LOCK_SHARE_##symbol,
    CT_LOCK_SHARES(CT_LOCK_SHARE_SYMBOL)
#undef CT_LOCK_SHARE_SYMBOL
        CT_LOCK_SHARE_COUNT
};

const char *ct_lock_share_name(enum ct_lock_share share);

/* So many locks, each of whose holders waits for the next one, are followed. */
#define CT_LOCK_CHAIN_MAX 8

/* Parts are in order of time, and touch: the first begins and the last ends with the wait. */
struct ct_lock_part {
    uint64_t begin_ns;
    uint64_t end_ns;
    enum ct_lock_share share;

    /* Who held it; of a HAND_OFF, who took it next or, at the wait's end, who let go. */
    struct ct_thread *holder; /* borrowed; NULL: unknown, or it was not held */
    uint32_t stack_id;        /* that let go, in the holder's process; 0: unknown */
    enum ct_op op;            /* by which; NONE: unknown */

    /* Of WAITING: what the holder waited for. */
    enum ct_class wait_class;
    enum ct_op wait_op;     /* NONE: in no call, as for a page */
    uint64_t wait_object;   /* see struct ct_interval */
    uint32_t wait_stack_id; /* in the holder's process */
    gboolean is_wait_for_lock;

    /* Who held it up in the end, through so many other locks, and how: with 0, as above. */
    guint depth;
    struct ct_thread *last; /* borrowed; NULL: unknown, or nobody */
    enum ct_lock_share last_share;
    enum ct_class last_class; /* of WAITING */
    enum ct_op last_op;       /* of WAITING, for what; else by which it let go, or NONE */
    uint32_t last_stack_id;   /* of either, in that one's process; 0: unknown */
    gboolean is_circle;       /* it is one who waits, directly or not, for itself */
};

/* Holds that lie in a wait as a whole, each from one release to the next. They are divided alike
 * for all who waited meanwhile: see lock_common.h. */
struct ct_lock_whole_holds {
    const struct ct_wake *releases; /* borrowed; those that end them, and one before */
    uint64_t first;                 /* the number of the one before: see struct ct_releases_at */
    guint count;
};

/* All of one wait, with what interrupted it. */
struct ct_lock_wait {
    struct ct_interval interval; /* one of its pieces; without `fd`; releases are borrowed */
    double weight;               /* how many waits it stands for */
    GArray *parts;               /* owned; struct ct_lock_part */
    GArray *whole;               /* owned; struct ct_lock_whole_holds: no parts are of these */
};

struct ct_lock_waits;
typedef struct ct_lock_waits ct_lock_waits; /* for g_autoptr(ct_lock_waits) */

/* The store is borrowed. */
struct ct_lock_waits *ct_lock_waits_new(struct ct_store *store);
void ct_lock_waits_free(struct ct_lock_waits *waits);

/* From now on, many whole holds in a row are left out of the parts; else none are. */
void ct_lock_waits_leave_whole(struct ct_lock_waits *waits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_lock_waits, ct_lock_waits_free)

/* Is it a piece of a wait for a lock, or of the time in the run queue that ended one? */
gboolean ct_lock_waits_has(const struct ct_interval *interval);

/*
 * Divides the whole wait of which this is a piece. NULL: an error. Valid until the next one; what
 * the interval borrows from its store is gone then.
 */
const struct ct_lock_wait *ct_lock_waits_divide(struct ct_lock_waits *waits,
                                                const struct ct_interval *interval, GError **error);

/*
 * The same of waits that come one after the other, as when a store is replayed, of each once: NULL
 * without an error where the interval is of no such wait, or of the one that its thread had before.
 */
const struct ct_lock_wait *ct_lock_waits_next(struct ct_lock_waits *waits,
                                              const struct ct_interval *interval, GError **error);

/*
 * The parts of one whole hold (struct ct_lock_part), with the release before it and its own, for a
 * thread that waited; `like` is such a wait. NULL: for any thread but those of `met`, to which are
 * added all who held up the holder. Returns NULL for an error. Valid until the next.
 */
const GArray *ct_lock_waits_divide_hold(struct ct_lock_waits *waits, const struct ct_interval *like,
                                        const struct ct_wake releases[2],
                                        const struct ct_thread *waiter, GPtrArray *met,
                                        GError **error);

#endif
