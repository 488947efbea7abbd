/*
 * What findings are made of: the waits of a recording, summed up wait by wait in bounded memory by
 * who waited, where and for what, and who held the locks meanwhile.
 */
#ifndef CTRACE_FINDINGS_EVIDENCE_H
#define CTRACE_FINDINGS_EVIDENCE_H

#include "model/timeline.h"
#include "passes/cpu_use.h"
#include "passes/idle.h"

/* Those of one thread at one place, for one thing, ended by one other thread. */
struct ct_evidence_wait {
    struct ct_thread *thread; /* borrowed */
    struct ct_thread *waker;  /* borrowed; NULL: unknown */
    enum ct_op op;
    enum ct_class class;
    uint32_t stack_id;
    gboolean is_for_lock;
    uint64_t object; /* 0: it is a descriptor, or has none */
    /* Of a descriptor; borrowed from the evidence, which has each text once. NULL: unknown. */
    enum ct_fd_kind fd_kind;
    enum ct_fd_role fd_role; /* of what ended a wait for any of several; then is_ended_by_fd */
    gboolean is_ended_by_fd;
    const char *ended_by; /* see ct_interval_ended_by() */
    const char *local;
    const char *peer;
    double count; /* with the weights of sampled waits, as the total */
    double total_ns;
    double used_ns; /* of CPUs, by all recorded threads meanwhile; where that is known */
    uint64_t longest_ns;
    struct ct_window when;    /* from the first one's begin to the last one's end */
    struct ct_window longest; /* the longest one */
    /* The wait that came last, of which there may be more to come: when it began, and how much of
     * it came until now, and from when on. */
    uint64_t last_begin_ns;
    uint64_t last_from_ns;
    uint64_t last_ns;
    /* Of conditions: of those that a broadcast ended, and after which it waited for the same again
     * at once; from being woken until then. */
    double broadcast_count;
    double vain_count;
    double vain_ns;
};

/* That thread made others wait for that lock. */
struct ct_evidence_hold {
    const struct ct_process *process; /* borrowed; whose lock it is */
    struct ct_thread *holder;         /* borrowed; NULL: unknown, but for its number */
    int32_t holder_tid;               /* then: as noted when the wait began; 0: unknown, too */
    enum ct_object kind;
    uint64_t object;
};

/* A power of two. */
#define CT_EVIDENCE_LOOP_SLOTS 64

/* Who is away for less is back before anybody minds. */
#define CT_LONG_TURN_NS 50000000

/* A thread that waits for events of descriptors, again and again, and what it did in between for
 * long: what comes meanwhile has to wait. */
struct ct_evidence_loop {
    struct ct_thread *thread; /* borrowed */
    enum ct_op op;            /* by which it waits for events */
    uint64_t event_waits;
    uint64_t turn_count; /* long ones */
    uint64_t turn_ns;
    uint64_t longest_turn_ns;
    struct ct_window longest_turn;
    struct ct_window turns; /* from the first long one to the last */
    uint64_t wait_ns;       /* in those turns, in other calls */
    uint64_t long_count;    /* of single waits in other calls that alone are so long */
    uint64_t long_ns;
    /* The longest wait in another call. */
    uint64_t longest_wait_ns;
    struct ct_window longest_wait;
    struct ct_window long_waits;
    enum ct_op longest_op;
    uint32_t longest_stack_id;
    /* The turn that goes on: since when, and the waits in it. */
    uint64_t since_ns;
    uint64_t turn_wait_ns;
};

struct ct_evidence {
    const struct ct_cpu_use *cpu_use; /* borrowed; NULL: not known */
    GPtrArray *waits;    /* owned; struct ct_evidence_wait *, by when each came first */
    GPtrArray *holds;    /* owned; struct ct_evidence_hold *, the same */
    GPtrArray *loops;    /* owned; struct ct_evidence_loop *, the same */
    GHashTable *loop_of; /* owned; by thread */
    /* The last few threads that were looked up there, by a hash; borrowed. */
    struct ct_evidence_loop_slot {
        const struct ct_thread *thread;
        struct ct_evidence_loop *loop; /* NULL: it has none */
    } loop_slots[CT_EVIDENCE_LOOP_SLOTS];
    GHashTable *wait_of; /* owned; both find one by its key */
    GHashTable *hold_of;
    GHashTable *sleepers;           /* owned; struct sleeper *, owned, as a set */
    GHashTable *texts;              /* owned; of descriptors, as a set */
    struct ct_evidence_slot *slots; /* owned; waits that are found without a look into a table */
};

struct ct_evidence *ct_evidence_new(void);
void ct_evidence_free(struct ct_evidence *evidence);
typedef struct ct_evidence ct_evidence; /* for g_autoptr(ct_evidence) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_evidence, ct_evidence_free)

/* What decides whether it is idle. It borrows from the wait. */
struct ct_wait_traits ct_evidence_traits(const struct ct_evidence_wait *wait);

/* Counts of the interval what lies inside the window: with those like it. Borrowed; NULL: it is in
 * no call, takes no time there, or there is no room. */
const struct ct_evidence_wait *ct_evidence_add(struct ct_evidence *evidence,
                                               const struct ct_interval *interval,
                                               const struct ct_window *window);

#endif
