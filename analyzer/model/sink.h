/*
 * Where a trace streams to: profile, report and timeline each implement a sink,
 * and ingest feeds all of them in one pass.
 */
#ifndef CTRACE_SINK_H
#define CTRACE_SINK_H

#include "model/model.h"

/* Somebody lets waiters go: an unlock, a post, a signal. */
struct ct_wake {
    uint64_t time_ns;
    struct ct_thread *thread; /* borrowed */
    uint32_t stack_id;        /* in the thread's process */
    enum ct_op op;
};

/* Where a store has the releases of an interval, which follow each other. */
struct ct_releases_at {
    uint64_t object; /* the number of whose they are, plus one; 0: nowhere */
    uint64_t first;  /* its number, among those of the object */
    uint64_t count;
};

/* Only that a call was off the CPU is known, and not what became of it. */
#define CT_RESULT_UNKNOWN INT32_MIN

/*
 * Where there is a kernel layer, what belongs to the wait's class is the time for which the thread
 * was blocked in it; the pieces for which it was in the run queue have class RUNNABLE; what it
 * ran in it is not told. Times in the run queue or blocked outside of waits are intervals of their
 * own, without operation and stack.
 *
 * One wait of one thread, [begin_ns, end_ns), or a part of one: a signal handler that waits cuts
 * the wait that it interrupted into those before, between and after its own. Per thread, intervals
 * do not overlap, and waits come in the order in which they end. Borrowed: valid during the call
 * only; the threads live as long as the model.
 */
struct ct_interval {
    struct ct_thread *thread;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t wait_begin_ns;   /* of the whole wait */
    uint64_t wait_end_ns;     /* of the whole wait */
    uint64_t previous_end_ns; /* of the same wait's part before; 0: this is the first */
    double weight;            /* how many waits this one stands for: 1 unless sampled */
    uint64_t object;          /* of an OTHER_SYSCALL, a number that goes with its name, or 0 */
    const char *call_name;    /* of an OTHER_SYSCALL, if known; borrowed from the model; or NULL */
    enum ct_op op;
    enum ct_class class;
    uint32_t stack_id;
    int32_t owner_tid;   /* held the lock when the wait began; 0 unknown; negative: the thread of
                            that number, of whatever process: the lock is shared */
    int32_t result;      /* what the call returned, a negative errno, or CT_RESULT_UNKNOWN */
    gboolean is_open;    /* still waiting when the trace was cut */
    gboolean is_outside; /* in no wait: only the kernel tells of it */
    /* What an FD object meant at the time, or what was opened; or NULL. Of a wait for any of
     * several descriptors, the first that ended it, if that is known: is_ended_by_fd. */
    const struct ct_fd *fd;
    gboolean is_ended_by_fd;
    enum ct_fd_role fd_role; /* what that was to the program then */

    /* Who ended the wait, where known. From the kernel there is neither stack nor operation. */
    struct ct_thread *waker; /* NULL if unknown */
    uint64_t wake_ns;
    uint32_t waker_stack_id; /* in the waker's process */
    enum ct_op waker_op;

    /*
     * Of a wait for a lock, or for what the program uses as one: a semaphore, condition or futex
     * one of whose posters has waited for it, too. Who let go of it, in order of time, from the
     * wait's begin to the first one after its end. See holders.h.
     */
    gboolean is_for_lock;
    const struct ct_wake *releases;
    size_t release_count;
    struct ct_releases_at releases_at;

    const char
        *preempted_by; /* RUNNABLE: the task that took its CPU; NULL: it was woken, or unknown */
};

/* The number of the thread that held the lock when the wait began; 0: not known. */
static inline int32_t ct_interval_owner(const struct ct_interval *interval)
{
    return interval->owner_tid >= 0 ? interval->owner_tid : -MAX(interval->owner_tid, -INT32_MAX);
}

/* Lets some intervals through. */
struct ct_interval_filter {
    gboolean (*lets)(void *user, const struct ct_interval *interval);
    void *user;
};

/* The other end of what it was for; NULL: there is none, or it says nothing, since it is a client
 * of the program, as others are. */
static inline const char *ct_interval_peer(const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;

    return fd && fd->peer && fd->peer[0] && interval->fd_role != CT_FD_ROLE_ACCEPTED ? fd->peer
                                                                                     : NULL;
}

/* What tells waits for several descriptors that one thing ended from others; NULL: nothing does. */
static inline const char *ct_interval_ended_by(const struct ct_interval *interval)
{
    const char *peer = ct_interval_peer(interval);
    const struct ct_fd *fd = interval->fd;

    if (!interval->is_ended_by_fd || peer)
        return interval->is_ended_by_fd ? peer : NULL;
    return fd->local && fd->local[0] ? fd->local : ct_fd_kind_name(fd->kind);
}

/* A wait counts once: in its first part that reaches beyond `from_ns`. */
static inline gboolean ct_interval_is_counted(const struct ct_interval *interval, uint64_t from_ns)
{
    return interval->previous_end_ns <= from_ns;
}

/* How long the whole wait lasted, with what interrupted it. */
static inline uint64_t ct_interval_wait_ns(const struct ct_interval *interval)
{
    return interval->wait_end_ns - interval->wait_begin_ns;
}

/* A time for which a thread was on a CPU. */
struct ct_run {
    struct ct_thread *thread;
    uint32_t cpu;
    uint64_t begin_ns;
    uint64_t end_ns;
};

/* A moment at which a thread was on a CPU. */
struct ct_sample {
    struct ct_thread *thread;
    uint64_t time_ns;
    uint64_t period_ns;  /* the thread ran that long since its last sample */
    uint32_t stack_id;   /* 0: its stack is not known, or it had none */
    gboolean in_kernel;  /* which the stack had called */
    gboolean is_partial; /* the stack's first callers are missing */
};

/* A connection has turned: see schema/turns.h. Borrowed, as an interval is. */
struct ct_turn {
    struct ct_thread *thread;       /* that read or wrote the answer, or gave up */
    struct ct_thread *begin_thread; /* that began it; NULL: not known */
    uint64_t begin_ns;
    uint64_t last_ns; /* the last message before the answer */
    uint64_t end_ns;
    double weight; /* how many turns this one stands for: 1 unless sampled */
    enum ct_turn_kind kind;
    enum ct_turn_outcome outcome;
    uint64_t lead_ns; /* before begin_ns: a call's connection was opened, if it is its first call;
                         or a request may have come, at the earliest; 0: not known */
    uint32_t lead_round; /* rounds of the threads: see schema/turns.h; of a call's connection */
    uint32_t begin_round;
    uint32_t end_round;
    int32_t fd_number;
    const struct ct_fd *fd; /* what that meant; or NULL */
};

/* Each function may be NULL. */
struct ct_sink {
    void *user;
    void (*on_turn)(void *user, const struct ct_turn *turn); /* in no certain order */
    void (*on_run)(void *user, const struct ct_run *run);
    void (*on_sample)(void *user, const struct ct_sample *sample); /* in no certain order */
    void (*on_interval)(void *user, const struct ct_interval *interval);
    void (*on_progress)(void *user, double share); /* of the trace that was read: 0 to 1 */
    void (*on_flush)(
        void *user); /* descriptors that intervals had, and their texts, are about to go */
    /* It may be told while the trace is read: of the model, it looks at what stays as it is alone,
     * which are whose threads they are. */
    gboolean is_early;
};

#endif
