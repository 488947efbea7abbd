/*
 * Waits summed up by where they happened: by stack, operation, thread, object and waker. A sink
 * for ingest, whose memory grows with threads and distinct stacks and never with waits.
 */
#ifndef CTRACE_PROFILE_H
#define CTRACE_PROFILE_H

#include "model/selection.h"
#include "model/sink.h"

/*
 * What a profile is of. In a mutex profile, a wait for a lock is charged to the stack that held
 * the lock and let it go, as in Go's; in the others, to the stack that waited.
 * KIND(symbol, name, what is in it).
 */
#define CT_PROFILE_KINDS(KIND)                                                               \
    KIND(NET, "net", "waits for the network")                                                \
    KIND(SYNC, "sync", "waits for other threads: locks, conditions, semaphores, joins")      \
    KIND(SYSCALL, "syscall", "waits in other system calls: files, pipes, child processes")   \
    KIND(SLEEP, "sleep", "sleeps and timers")                                                \
    KIND(MUTEX, "mutex", "waits for locks, by the stack that held the lock and unlocked it") \
    KIND(SCHED, "sched", "time runnable but not running")

enum ct_profile_kind {
#define CT_PROFILE_KIND_SYMBOL(symbol, name, description) CT_PROFILE_KIND_##symbol,
    CT_PROFILE_KINDS(CT_PROFILE_KIND_SYMBOL)
#undef CT_PROFILE_KIND_SYMBOL
        CT_PROFILE_KIND_COUNT
};

/* Distinct objects and wakers that are told apart per stack, operation and thread. */
#define CT_PROFILE_MAX_OBJECTS 32

const char *ct_profile_kind_name(enum ct_profile_kind kind);
const char *ct_profile_kind_description(enum ct_profile_kind kind);
gboolean ct_profile_kind_from_name(const char *name, enum ct_profile_kind *kind);

/* Which waits count. A wait that lies partly in [begin_ns, end_ns) counts with that part. */
struct ct_profile_limits {
    uint64_t begin_ns; /* in the trace's time */
    uint64_t end_ns;   /* UINT64_MAX: no end */
    uint64_t min_ns;   /* shorter waits do not count; taken before the window cuts them */
};

struct ct_profile_sample {
    struct ct_process *process; /* of the stack */
    struct ct_thread *thread;   /* whose stack it is; NULL: an unknown waker's */
    uint32_t stack_id;
    const struct ct_stack *stack; /* NULL: none was recorded */
    enum ct_op op;                /* what the stack called */
    uint64_t object;              /* 0 for a descriptor, which goes by what it stands for */
    enum ct_object object_kind;
    const char *object_text; /* what was waited for; "" for no object, "others" beyond the limit */
    const char *peer;        /* a socket's other end, or "" */
    struct ct_thread *other; /* who ended the wait; in a mutex profile, who waited; or NULL */
    gboolean is_others;      /* objects and others beyond the limit, together */
    gboolean is_open;        /* still waiting when the trace was cut */
    int64_t count;
    int64_t delay_ns;
};

struct ct_profile;
typedef struct ct_profile ct_profile; /* for g_autoptr(ct_profile) */

struct ct_profile *ct_profile_new(enum ct_profile_kind kind,
                                  const struct ct_profile_limits *limits);
void ct_profile_free(struct ct_profile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_profile, ct_profile_free)

/* Borrows the profile. */
struct ct_sink ct_profile_sink(struct ct_profile *profile);

/*
 * Once the trace was read: an array of struct ct_profile_sample in an order that depends on the
 * trace alone. The caller owns the array; the samples borrow from profile and model.
 */
GArray *ct_profile_samples(const struct ct_profile *profile, const struct ct_model *model,
                           const struct ct_selection *selection);

#endif
