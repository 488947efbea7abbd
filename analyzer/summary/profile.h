/*
 * Waits summed up by where they happened: by stack, operation, thread, object and waker. A sink
 * for ingest, whose memory grows with threads and distinct stacks and never with waits.
 */
#ifndef CTRACE_PROFILE_H
#define CTRACE_PROFILE_H

#include "passes/filter.h"
#include "store/store.h"

/*
 * What a profile is of. In a mutex profile, a wait for a lock is divided among
 * those who held it, each with the stack that released it; in a blame profile it is so while the
 * holder runs, and where it waits itself it has the stack that waits, if for another lock, that of
 * who holds that; a critical profile is of one chain over threads, see path_walk.h; in a sched
 * profile, the time runnable
 * (waiting for a CPU) to the stack that woke, where there is one; in the others, to the stack that
 * waited or ran. KIND(symbol, name, units, what is in it).
 */
#define CT_PROFILE_KINDS(KIND)                                                                    \
    KIND(NET, "net", WAITS, "waits for the network")                                              \
    KIND(SYNC, "sync", WAITS, "waits for other threads: locks, conditions, semaphores, joins")    \
    KIND(SYSCALL, "syscall", WAITS, "waits in other system calls: files, pipes, child processes") \
    KIND(SLEEP, "sleep", WAITS, "sleeps and timers")                                              \
    KIND(OTHER, "other", WAITS, "times off the CPU in none of the calls: page faults, stops")     \
    KIND(BLOCK, "block", WAITS, "all waits: net, sync, syscall, sleep and other together")        \
    KIND(MUTEX, "mutex", WAITS,                                                                   \
         "waits for locks, by the stack that held the lock and unlocked it")                      \
    KIND(BLAME, "blame", WAITS, "waits for locks, by what the holders did and waited for")        \
    KIND(CRITICAL, "critical", PATH,                                                              \
         "what the end of a thread depended on, moment by moment: the critical path")             \
    KIND(SCHED, "sched", WAITS, "time runnable (waiting for a CPU), by the stack of the waker")   \
    KIND(CPU, "cpu", CPU, "time running, by samples (ctrace record --cpu)")                       \
    KIND(WALL, "wall", WALL, "all of the threads' time, running and waiting, by state")           \
    KIND(THREADS, "threads", THREADS,                                                             \
         "what each thread does at the end: its stack, what it waits for and how long")           \
    KIND(HEAP, "heap", HEAP, "memory that is live at the end (ctrace record --heap)")             \
    KIND(ALLOCS, "allocs", HEAP, "memory that was allocated, live or not (ctrace record --heap)")

enum ct_profile_kind {
#define CT_PROFILE_KIND_SYMBOL(symbol, name, units, description) CT_PROFILE_KIND_##symbol,
    CT_PROFILE_KINDS(CT_PROFILE_KIND_SYMBOL)
#undef CT_PROFILE_KIND_SYMBOL
        CT_PROFILE_KIND_COUNT
};

/* What a profile's numbers are of: how many, and how much time. */
struct ct_profile_units {
    const char *count;
    const char *time;
    gboolean is_clocked;  /* the time comes in steps; else it is of what happened */
    gboolean is_of_count; /* it is asked how many first */
};

/* Distinct objects and wakers that are told apart per stack, operation and thread. */
#define CT_PROFILE_MAX_OBJECTS 32

/* Its samples tell who waited, beside whose stack it is; others tell who ended the wait. */
gboolean ct_profile_kind_tells_waiter(enum ct_profile_kind kind);

/* Its samples tell what the thread did meanwhile. */
gboolean ct_profile_kind_tells_state(enum ct_profile_kind kind);

/* It is of all that threads do: must be told, too, what is not asked for. */
gboolean ct_profile_kind_is_whole(enum ct_profile_kind kind);

/* It asks the store of what it is told. */
gboolean ct_profile_kind_needs_store(enum ct_profile_kind kind);

/* It is of what a thread's end depended on: the threads asked for are where it ends, and it is told
 * by ct_profile_follow() alone. */
gboolean ct_profile_kind_is_path(enum ct_profile_kind kind);

/* It is of blocks of memory, and made of the model alone: see heap_profile.h. */
gboolean ct_profile_kind_is_heap(enum ct_profile_kind kind);

/* It is made of waits, or of samples of what runs, or of both. */
gboolean ct_profile_kind_has_waits(enum ct_profile_kind kind);
gboolean ct_profile_kind_has_samples(enum ct_profile_kind kind);

const struct ct_profile_units *ct_profile_kind_units(enum ct_profile_kind kind);

/* "net, sync and mutex", with what stands before the last. The caller frees. */
char *ct_profile_kind_list(const char *last_separator);
/* Each, and after a tab what it holds. Free with g_strfreev(). */
char **ct_profile_kind_rows(void);

const char *ct_profile_kind_name(enum ct_profile_kind kind);
const char *ct_profile_kind_description(enum ct_profile_kind kind);
gboolean ct_profile_kind_from_name(const char *name, enum ct_profile_kind *kind);

/* Which waits count. A wait that lies partly in [begin_ns, end_ns) counts with that part. */
struct ct_profile_limits {
    uint64_t begin_ns; /* in the trace's time */
    uint64_t end_ns;   /* UINT64_MAX: no end */
    /* Borrowed; NULL: all. Of a wall profile, what else there is must be told, too: what was
     * sampled is scaled to all of its state. */
    struct ct_filter *filter;
    struct ct_idle *idle; /* borrowed; tells which waits are idle; NULL: that is not told */
};

struct ct_profile_sample {
    struct ct_process *process; /* of the stack */
    struct ct_thread *thread;   /* whose stack it is; NULL: an unknown holder's */
    uint32_t stack_id;
    const struct ct_stack *stack; /* NULL: none was recorded */
    enum ct_op op;                /* what the stack called; NONE: nothing, or it is not known */
    enum ct_class state;          /* of a wall or blame profile: what the thread did meanwhile */
    gboolean in_kernel;           /* running: its stack had called the kernel */
    gboolean is_partial;          /* the stack's first callers are missing */
    gboolean is_hand_off;         /* of a blame profile: the lock was let go, and not yet taken */
    gboolean is_preempted;        /* another task took its CPU, as the object says */
    uint64_t object;              /* 0 for a descriptor, which goes by what it stands for */
    const char *call_name;        /* of a system call without an operation of its own, or NULL */
    enum ct_object object_kind;
    const char *object_text; /* what was waited for; "" for no object, "others" beyond the limit */
    const char *peer;        /* a socket's other end, or "" */
    struct ct_thread *other; /* who ended the wait; or who waited, where it tells that; or NULL */
    gboolean is_others;      /* objects and others beyond the limit, together */
    gboolean is_open;        /* still waiting when the trace was cut */
    gboolean is_idle;        /* waiting for work */
    const struct ct_heap_site *heap_site; /* borrowed; of a heap's profile: blocks and bytes are its
                                             count and delay; or NULL */
    uint64_t heap_live;                   /* then: samples of it that are live */
    int64_t count;
    int64_t delay_ns;
};

struct ct_profile;
typedef struct ct_profile ct_profile; /* for g_autoptr(ct_profile) */

struct ct_profile *ct_profile_new(enum ct_profile_kind kind,
                                  const struct ct_profile_limits *limits);
void ct_profile_free(struct ct_profile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_profile, ct_profile_free)

/* Where a profile that needs it asks: borrowed, until the profile was told all. */
void ct_profile_set_store(struct ct_profile *profile, struct ct_store *store);

/* Adds all of the path to the end that the scope asks for. */
gboolean ct_profile_follow(struct ct_profile *profile, struct ct_store *store,
                           const struct ct_model *model, const struct ct_store_scope *scope,
                           GError **error);

/* FALSE with an error, if it asked in vain. */
gboolean ct_profile_check(struct ct_profile *profile, GError **error);

/* Borrows the profile. */
struct ct_sink ct_profile_sink(struct ct_profile *profile);

/*
 * Once the trace was read: an array of struct ct_profile_sample in an order that depends on the
 * trace alone. The caller owns the array; the samples borrow from profile and model.
 */
GArray *ct_profile_samples(const struct ct_profile *profile, const struct ct_model *model,
                           const struct ct_selection *selection);

#endif
