/*
 * Locks: mutexes, read-write locks, spin locks. Uncontended is free: try first, or look first where
 * trying is not the same as locking, and success reads no clock and writes nothing. An unlock says
 * that it lets others go only when somebody waits.
 */
#include "preload/wait/deadline.h"
#include "preload/wait/lock_order.h"
#include "preload/wait/mutex.h"
#include "wrap.h"

#include <pthread.h>
#include <threads.h>

/* ---- Getting a lock. ---- */

/* Who holds a lock that is taken. */
struct holder {
    int32_t tid;      /* 0: not known */
    bool is_answered; /* if it is the caller, it gets the lock or an error at once */
    bool is_shared;   /* it may be of another process */
};

static struct holder mutex_holder(const void *lock)
{
    unsigned type = ct_mutex_type(lock);

    return (struct holder){.tid = ct_mutex_holder(lock),
                           .is_answered = type == PTHREAD_MUTEX_RECURSIVE_NP ||
                                          type == PTHREAD_MUTEX_ERRORCHECK_NP,
                           .is_shared = (ct_mutex_kind(lock) & CT_MUTEX_SHARED) != 0};
}

/* One that writes: those that read are not known by name. */
static struct holder rwlock_holder(const void *lock)
{
    const volatile pthread_rwlock_t *rwlock = lock;

    return (struct holder){.tid = rwlock->__data.__cur_writer,
                           .is_answered = true,
                           .is_shared = rwlock->__data.__shared != 0};
}

static struct holder no_holder(const void *lock)
{
    (void)lock;
    return (struct holder){.tid = 0};
}

static __attribute__((noinline)) bool block_on(struct ct_wait *wait, enum ct_op op,
                                               const void *lock, struct holder holder,
                                               const void *site)
{
    struct ct_self *self = ct_self_enter();

    if (self == NULL || (holder.is_answered && holder.tid == self->slot->tid) ||
        !ct_wait_begin_on(wait, op, lock, site))
        return false;
    self->slot->wait.owner = holder.is_shared ? -holder.tid : holder.tid;
    ct_lock_order_tell(wait, lock);
    return true;
}

#define CT_UNPACK(...) __VA_ARGS__

/*
 * A call that gets `lock`, as `try` does if it `may_try` and need not wait; `try` gives `busy`
 * where it has to. Where it may not, `is_taken` says so.
 */
#define CT_WRAP_LOCK_IF(name, params, args, op, may_try, try, busy, is_taken, holder_of, outcome) \
    CT_REAL(int, name, params)                                                                    \
    static                                                                                        \
        __attribute__((noinline)) int slow_##name(CT_UNPACK params, int state, const void *site)  \
    {                                                                                             \
        struct ct_wait wait;                                                                      \
        CT_NEED_REAL(name);                                                                       \
        if (state != (busy) ||                                                                    \
            !block_on(&wait, op, (const void *)lock, holder_of((const void *)lock), site))        \
            return real_##name args;                                                              \
        int result = real_##name args;                                                            \
        ct_wait_end_deferred(&wait, outcome);                                                     \
        if (result == 0)                                                                          \
            ct_lock_order_take(op, (const void *)lock);                                           \
        return result;                                                                            \
    }                                                                                             \
    int name params                                                                               \
    {                                                                                             \
        int state = 0;                                                                            \
        if (CT_LIKELY(may_try)) {                                                                 \
            CT_NEED_REAL(try);                                                                    \
            state = real_##try(lock);                                                             \
            if (CT_LIKELY(state == 0)) {                                                          \
                ct_lock_order_take(op, (const void *)lock);                                       \
                return 0;                                                                         \
            }                                                                                     \
        } else if (is_taken) {                                                                    \
            state = (busy);                                                                       \
        }                                                                                         \
        return slow_##name(CT_UNPACK args, state, __builtin_return_address(0));                   \
    }

/* ---- Mutexes: what is wrong with a deadline is told only to who must wait. ---- */

CT_REAL(int, pthread_mutex_trylock, (pthread_mutex_t * lock)) /* not interposed: never waits */
CT_REAL(int, mtx_trylock, (mtx_t * lock))                     /* nor does this */

#define CT_WRAP_MUTEX(name, params, args, op, is_clock)                                  \
    CT_WRAP_LOCK_IF(name, params, args, op, ct_mutex_is_plain(lock) && (is_clock),       \
                    pthread_mutex_trylock, EBUSY, (is_clock) && ct_mutex_is_taken(lock), \
                    mutex_holder, -(int64_t)result)

CT_WRAP_MUTEX(pthread_mutex_lock, (pthread_mutex_t * lock), (lock), CT_OP_MUTEX_LOCK, true)
CT_WRAP_MUTEX(pthread_mutex_timedlock, (pthread_mutex_t * lock, const struct timespec *deadline),
              (lock, deadline), CT_OP_MUTEX_TIMEDLOCK, true)
CT_WRAP_MUTEX(pthread_mutex_clocklock,
              (pthread_mutex_t * lock, clockid_t clock, const struct timespec *deadline),
              (lock, clock, deadline), CT_OP_MUTEX_TIMEDLOCK, ct_is_deadline_clock(clock))

/* C11's are pthread's under other names and results. */
#define C11_OUTCOME (result == thrd_timedout ? -ETIMEDOUT : result)

#define CT_WRAP_C11_MUTEX(name, params, args, op)                                            \
    CT_WRAP_LOCK_IF(name, params, args, op, ct_mutex_is_plain(lock), mtx_trylock, thrd_busy, \
                    ct_mutex_is_taken(lock), mutex_holder, C11_OUTCOME)

CT_WRAP_C11_MUTEX(mtx_lock, (mtx_t * lock), (lock), CT_OP_MUTEX_LOCK)
CT_WRAP_C11_MUTEX(mtx_timedlock, (mtx_t *restrict lock, const struct timespec *restrict deadline),
                  (lock, deadline), CT_OP_MUTEX_TIMEDLOCK)

/* ---- The others: one with a deadline that is none fails even if it is free. ---- */

CT_REAL(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock)) /* not interposed */
CT_REAL(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock))
CT_REAL(int, pthread_spin_trylock, (pthread_spinlock_t * lock))

#define CT_WRAP_LOCK(name, params, args, op, is_valid, try, holder_of)              \
    CT_WRAP_LOCK_IF(name, params, args, op, is_valid, try, EBUSY, false, holder_of, \
                    -(int64_t)result)

CT_WRAP_LOCK(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock), CT_OP_RWLOCK_RDLOCK, true,
             pthread_rwlock_tryrdlock, rwlock_holder)
CT_WRAP_LOCK(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), CT_OP_RWLOCK_WRLOCK, true,
             pthread_rwlock_trywrlock, rwlock_holder)
CT_WRAP_LOCK(pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const struct timespec *deadline),
             (lock, deadline), CT_OP_RWLOCK_TIMEDRDLOCK,
             ct_is_deadline_or_none(CLOCK_REALTIME, deadline), pthread_rwlock_tryrdlock,
             rwlock_holder)
CT_WRAP_LOCK(pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const struct timespec *deadline),
             (lock, deadline), CT_OP_RWLOCK_TIMEDWRLOCK,
             ct_is_deadline_or_none(CLOCK_REALTIME, deadline), pthread_rwlock_trywrlock,
             rwlock_holder)
CT_WRAP_LOCK(pthread_rwlock_clockrdlock,
             (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *deadline),
             (lock, clock, deadline), CT_OP_RWLOCK_TIMEDRDLOCK,
             ct_is_deadline_or_none(clock, deadline), pthread_rwlock_tryrdlock, rwlock_holder)
CT_WRAP_LOCK(pthread_rwlock_clockwrlock,
             (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *deadline),
             (lock, clock, deadline), CT_OP_RWLOCK_TIMEDWRLOCK,
             ct_is_deadline_or_none(clock, deadline), pthread_rwlock_trywrlock, rwlock_holder)

CT_WRAP_LOCK(pthread_spin_lock, (pthread_spinlock_t * lock), (lock), CT_OP_SPIN_LOCK, true,
             pthread_spin_trylock, no_holder)

/* ---- Giving it back. ---- */

#define CT_WRAP_UNLOCK(name, type, op, is_kept)                                       \
    CT_REAL(int, name, (type * lock))                                                 \
    static __attribute__((noinline)) int slow_##name(type *lock, const void *site)    \
    {                                                                                 \
        struct ct_self *self = ct_self_enter();                                       \
        if (self == NULL)                                                             \
            return real_##name(lock);                                                 \
        bool has_waiters = ct_has_waiters((const void *)lock) && !(is_kept);          \
        uint64_t ticks = ct_ticks();                                                  \
        int result = real_##name(lock);                                               \
        if (has_waiters && result == 0)                                               \
            ct_wake(self, op, (uint64_t)lock, ticks, site);                           \
        if (self->has_unwritten)                                                      \
            ct_wait_flush(self);                                                      \
        return result;                                                                \
    }                                                                                 \
    int name(type *lock)                                                              \
    {                                                                                 \
        CT_NEED_REAL(name);                                                           \
        if (CT_LIKELY(!ct_has_waiters((const void *)lock) && !ct_self.has_unwritten)) \
            return real_##name(lock);                                                 \
        return slow_##name(lock, __builtin_return_address(0));                        \
    }

CT_WRAP_UNLOCK(pthread_mutex_unlock, pthread_mutex_t, CT_OP_MUTEX_UNLOCK, ct_mutex_is_nested(lock))
CT_WRAP_UNLOCK(pthread_rwlock_unlock, pthread_rwlock_t, CT_OP_RWLOCK_UNLOCK, false)
CT_WRAP_UNLOCK(pthread_spin_unlock, pthread_spinlock_t, CT_OP_SPIN_UNLOCK, false)
CT_WRAP_UNLOCK(mtx_unlock, mtx_t, CT_OP_MUTEX_UNLOCK, ct_mutex_is_nested(lock))
