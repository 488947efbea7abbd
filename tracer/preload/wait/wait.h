/*
 * The shared path of every hook: clock, board, counters, sampling, stack, event. errno is the
 * program's before the real call and the real call's after.
 */
#ifndef CTRACE_PRELOAD_WAIT_WAIT_H
#define CTRACE_PRELOAD_WAIT_WAIT_H

#include "fd.h"
#include "preload/core/clock.h"
#include "preload/core/operations.h"
#include "preload/core/sampling.h"
#include "preload/core/waiters.h"
#include "preload/stack/stack.h"

#include <errno.h>
#include <stdatomic.h>

/* One call in progress, on the stack of its hook. */
struct ct_wait {
    struct ct_self *self;
    uint64_t begin_ticks;
    uint64_t end_ticks; /* after ct_wait_end */
    uint64_t site;
    uint32_t stack;
    uint8_t op;
    struct ct_board_wait outer; /* the wait that a signal handler interrupted */
    void *outer_frame;          /* its wait_frame */
    _Atomic uint32_t *outer_counted;
    bool has_outer;
};

/* Describes the descriptor that the call waits for, while there is time: it may never come back. */
void ct_wait_announce(struct ct_wait *wait, uint64_t object);

/* Counts the call among the waiters on descriptor `object`, if that is what it is. */
void ct_wait_count_reader(struct ct_wait *wait, uint64_t object);

/* A previous wait is still on the slot: write it, or set it aside. */
void ct_wait_settle(struct ct_wait *wait);

/* The slow side of ct_wait_end: the event. */
void ct_wait_record(struct ct_wait *wait, uint64_t end_ticks, uint64_t duration_ns, int64_t result);

/* A signal handler's call has ended: the thread is back in the wait it interrupted. */
void ct_wait_resume_outer(struct ct_wait *wait);

/* Writes the thread's deferred wait, if it has one. */
void ct_wait_flush(struct ct_self *self);

/* The thread ends inside a wait (cancelled): close it. */
void ct_wait_abandon(struct ct_self *self);

static inline uint64_t *ct_site_entry(struct ct_self *self, uint64_t site)
{
    return &self->sites[(site ^ site >> 6) % CT_SITE_CACHE];
}

/*
 * False if the call is not to be recorded. The stack is taken now only at call sites that are
 * not known to return at once: it overlaps the wait, and a thread that never comes back has one.
 */
static inline __attribute__((always_inline)) bool ct_wait_begin(struct ct_wait *wait, enum ct_op op,
                                                                const void *site)
{
    struct ct_self *self = ct_self_enter();

    if (self == NULL)
        return false;
    wait->self = self;
    wait->has_outer = false;
    if (__builtin_expect(self->slot->wait.state != CT_WAIT_STATE_NONE, 0))
        ct_wait_settle(wait);
    wait->stack = 0;
    wait->site = (uint64_t)site;
    wait->op = (uint8_t)op;
    if (*ct_site_entry(self, wait->site) != wait->site)
        wait->stack = ct_stack_capture(self, wait->site);
    return true;
}

/*
 * For a call that is known to block, until somebody lets it go: ct_wait_begin and ct_wait_subject
 * in one. It has its stack in any case, and is counted among the waiters of `object` while it
 * lasts.
 */
bool ct_wait_begin_on(struct ct_wait *wait, enum ct_op op, const void *object, const void *site);

/*
 * What the call waits for; starts the clock. Must follow ct_wait_begin. The slot is written only
 * here: a signal handler's own waits may have used it since.
 */
static inline __attribute__((always_inline)) void
ct_wait_subject(struct ct_wait *wait, enum ct_class class, uint64_t object)
{
    struct ct_board_wait *shown = &wait->self->slot->wait;

    if (wait->stack != 0)
        ct_wait_announce(wait, object);
    if (__builtin_expect(object < CT_FD_CACHE && ct_fds[object].has_peer, 0))
        ct_wait_count_reader(wait, object);
    shown->op = wait->op;
    shown->site = wait->site;
    shown->stack = wait->stack;
    shown->owner = 0;
    shown->class = (uint8_t) class;
    shown->object = object;
    wait->self->wait_frame = wait;
    wait->begin_ticks = ct_ticks();
    shown->begin_ticks = wait->begin_ticks;
    atomic_store_explicit(&shown->state, CT_WAIT_STATE_OPEN, memory_order_release);
}

/* Is the wait that the slot shows to be written as an event? */
static inline bool ct_wait_is_sampled(struct ct_self *self, uint64_t duration_ns)
{
    return ct_self_samples(self, duration_ns) && ct_class_is_recorded(self->slot->wait.class);
}

/* Of the operation that the slot's wait is in, the first time; NULL: there is no memory. */
struct ct_board_counters *ct_wait_add_counters(struct ct_board_thread *slot);

static inline void ct_wait_count(struct ct_self *self, uint64_t duration_ns)
{
    struct ct_board_thread *slot = self->slot;
    uint8_t number = atomic_load_explicit(&slot->counters_of[slot->wait.op], memory_order_relaxed);
    struct ct_board_counters *counters =
        __builtin_expect(number != 0, 1) ? &slot->counters[number - 1] : ct_wait_add_counters(slot);

    if (__builtin_expect(counters != NULL, 1)) {
        counters->calls++;
        counters->total_ns += duration_ns;
        counters->histogram[ct_histogram_bucket(duration_ns)]++;
    }
    slot->class_ns[slot->wait.class] += duration_ns;
}

static inline void ct_wait_uncount(struct ct_self *self)
{
    if (__builtin_expect(self->counted != NULL, 0)) {
        atomic_fetch_sub(self->counted, 1);
        self->counted = NULL;
    }
}

/* Lets a wait that began before the recording did begin with it. False if it was over by then. */
bool ct_wait_clip(struct ct_board_wait *shown, uint64_t end_ticks);

/* It was over before the recording began. */
void ct_wait_skip(struct ct_wait *wait, uint64_t end_ticks);

/* The call turned out not to wait: nothing is recorded. */
static inline void ct_wait_cancel(struct ct_wait *wait)
{
    ct_wait_uncount(wait->self);
    atomic_store_explicit(&wait->self->slot->wait.state, CT_WAIT_STATE_NONE, memory_order_release);
    if (__builtin_expect(wait->has_outer, 0))
        ct_wait_resume_outer(wait);
}

/* `result` is what the call returned, or the negative errno. */
static inline __attribute__((always_inline)) void ct_wait_end(struct ct_wait *wait, int64_t result)
{
    struct ct_self *self = wait->self;
    uint64_t end_ticks = ct_ticks();

    wait->end_ticks = end_ticks;
    if (__builtin_expect(!*ct_is_ours, 0))
        return; /* the recorder finds it on the board, open */
    if (__builtin_expect(ct_is_early(wait->begin_ticks), 0)) {
        if (!ct_wait_clip(&self->slot->wait, end_ticks)) {
            ct_wait_skip(wait, end_ticks);
            return;
        }
        wait->begin_ticks = self->slot->wait.begin_ticks;
    }
    uint64_t duration_ns = ct_elapsed_ns(wait->begin_ticks, end_ticks);
    ct_wait_uncount(self);
    ct_wait_count(self, duration_ns);
    if (__builtin_expect(ct_wait_is_sampled(self, duration_ns), 0)) {
        ct_wait_record(wait, end_ticks, duration_ns, result);
    } else {
        atomic_store_explicit(&self->slot->wait.state, CT_WAIT_STATE_NONE, memory_order_release);
        *ct_site_entry(self, self->slot->wait.site) = self->slot->wait.site;
    }
    if (__builtin_expect(wait->has_outer, 0))
        ct_wait_resume_outer(wait);
}

/*
 * As ct_wait_end, for a call that returns with a lock held: the event is written after the
 * critical section, by ct_wait_flush.
 */
void ct_wait_end_deferred(struct ct_wait *wait, int64_t result);

/* An event that this thread lets waiters of `object` go; `ticks` is when. */
void ct_wake(struct ct_self *self, enum ct_op op, uint64_t object, uint64_t ticks,
             const void *site);

/* The write is over: a success has let the other end's reader go. */
static inline void ct_fd_wake_end(const struct ct_fd_wake *wake, enum ct_op op, int64_t result,
                                  const void *site)
{
    if (__builtin_expect(wake->self != NULL, 0) && result > 0)
        ct_wake(wake->self, op, wake->object, wake->ticks, site);
}

#endif
