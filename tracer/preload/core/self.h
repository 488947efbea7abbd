/* A thread's private part: whether its calls are recorded, and what it keeps between them. */
#ifndef CTRACE_PRELOAD_CORE_SELF_H
#define CTRACE_PRELOAD_CORE_SELF_H

#include "board.h"
#include "storage.h"

enum ct_mode {
    CT_MODE_NEW,    /* no slot asked for yet */
    CT_MODE_TRACED, /* hooks work */
    CT_MODE_BUSY,   /* in our own work: hooks pass on */
    CT_MODE_BYPASS, /* hooks pass on for good: no slot was left */
};

#define CT_SITE_CACHE 64

/* So many of the locks that a thread took last may still be held when it waits for the next. */
#define CT_LOCKS_TAKEN 4
/* Waits for which it was looked whether they are nested. */
#define CT_LOCK_ORDER_CACHE 16

struct ct_stack_cache;
struct ct_exec_room;

/* A thread's private part. */
struct ct_self {
    enum ct_mode mode;
    uint32_t has_unwritten;         /* slot->wait.state is UNWRITTEN */
    uint64_t taken[CT_LOCKS_TAKEN]; /* see lock_order.h */
    uint32_t taken_count;
    struct ct_board_thread *slot; /* NULL: it has none */
    struct ct_board_ring *ring;   /* the slot's, or a large one */
    uint32_t slot_index;
    uint32_t ring_size; /* bytes of records in it */
    uint32_t stacks_taken;
    uint32_t last_stack; /* the one taken last, which is likely to be the next one too; 0: none */
    struct ct_stack_cache *stack_cache; /* of stacks; NULL: none yet */
    uint32_t loader_reads;              /* calls of ct_loader_enter not left yet */
    uint32_t unloads;                   /* calls of dlclose not returned yet */
    uint32_t unloads_seen;              /* ct_unloads, as of which stack_cache and last_stack are */
    bool is_aside;                      /* on the stack that is next */
    void *work_stack;                   /* of our own: see work_stack.h; NULL: none yet */
    struct ct_exec_room *exec_room;     /* see exec_room.h; NULL: none */
    uint64_t stack_low;  /* the thread's stack, without what at its low end is the program's only */
    uint64_t stack_room; /* bytes from there; 0: not known */
    _Atomic uint32_t *counted; /* the count of waiters that the open wait is in, or NULL */
    uint64_t random;           /* xorshift state, for sampling */
    uint64_t turns_ns;         /* what recorded turns are allowed to take, less the time since */
    uint64_t turns_ticks;      /* as of then */
    uint64_t round_ticks;      /* the last timed round returned then: see wait/round.h; 0: none */
    uint64_t unread_ticks;     /* what a descriptor had then that the round told of is no older */
    uint32_t rounds;           /* in it; 0: none */
    void *wait_frame;          /* stack address of the innermost open wait */
    uint64_t sites[CT_SITE_CACHE]; /* call sites whose last call returned at once */
    uint32_t orders_looked_at[CT_LOCK_ORDER_CACHE];
};

extern CT_TLS struct ct_self ct_self;

/* The slow side of ct_self_enter: a thread that is new here begins with its first call. */
struct ct_self *ct_self_attach(struct ct_self *self);

/* What such a thread begins with: it leaves the mode TRACED or BYPASS. */
void ct_self_set_begin(void (*begin)(struct ct_self *self));

/* How a child of fork makes a board; NULL: it has one, or is to have none. */
extern bool (*ct_self_make_board)(void);

/*
 * A child of fork that has no board yet gets one: before it first waits or has a second thread, and
 * before what may take a board out of its reach. True if it has got one, with this thread on it.
 */
static inline bool ct_self_settle(void)
{
    return __builtin_expect(ct_self_make_board != NULL, 0) && ct_self_make_board();
}

/* Is the address in what is known of the thread's stack? */
static inline bool ct_self_stack_has(const struct ct_self *self, uint64_t address)
{
    return address - self->stack_low < self->stack_room;
}

/* False where the program may have enough stack for itself only: see work_stack.h. */
static inline bool ct_self_has_room(const struct ct_self *self)
{
    return ct_self_stack_has(self, (uint64_t)__builtin_frame_address(0));
}

/* This thread's private part if its calls are to be recorded, else NULL. */
static inline struct ct_self *ct_self_enter(void)
{
    struct ct_self *self = &ct_self;

    if (__builtin_expect(self->mode == CT_MODE_TRACED && *ct_is_ours, 1) &&
        atomic_load_explicit(&ct_control->is_recording, memory_order_relaxed))
        return self;
    return ct_self_attach(self);
}

#endif
