/*
 * Locks: mutexes, read-write locks, spin locks. Uncontended is free: try first, and success reads
 * no clock and writes nothing. An unlock says that it lets others go only when somebody waits.
 */
#include "hook.h"

#include <pthread.h>
#include <threads.h>

/* ---- Getting a lock. ---- */

/* glibc: the thread id of the holder. */
static int32_t mutex_owner(const volatile void *lock)
{
    return ((const volatile pthread_mutex_t *)lock)->__data.__owner;
}

/* Of one that writes: those that read are not known by name. */
static int32_t rwlock_owner(const volatile void *lock)
{
    return ((const volatile pthread_rwlock_t *)lock)->__data.__cur_writer;
}

static int32_t no_owner(const volatile void *lock)
{
    (void)lock;
    return 0;
}

static __attribute__((noinline)) bool block_on(struct ct_wait *wait, enum ct_op op,
                                               const volatile void *lock, int32_t owner,
                                               const void *site)
{
    if (!ct_wait_begin_on(wait, op, (const void *)lock, site))
        return false;
    wait->self->slot->wait.owner = owner;
    return true;
}

/* A call that gets `lock`, as `try` does if it need not wait; `is_got`: what `try` gave says so. */
#define CT_WRAP_LOCK_IF(name, params, args, op, try, owner_of, is_got, is_taken, outcome) \
    CT_REAL(int, name, params)                                                            \
    int name params                                                                       \
    {                                                                                     \
        struct ct_wait wait;                                                              \
        CT_NEED_REAL(name);                                                               \
        CT_NEED_REAL(try);                                                                \
        int result = real_##try(lock);                                                    \
        if (CT_LIKELY(is_got))                                                            \
            return result;                                                                \
        if (!(is_taken) ||                                                                \
            !block_on(&wait, op, lock, owner_of(lock), __builtin_return_address(0)))      \
            return real_##name args;                                                      \
        result = real_##name args;                                                        \
        ct_wait_end_deferred(&wait, outcome);                                             \
        return result;                                                                    \
    }

#define CT_WRAP_LOCK(name, params, args, op, try, owner_of)                                     \
    CT_WRAP_LOCK_IF(name, params, args, op, try, owner_of, result == 0 || result == EOWNERDEAD, \
                    result == EBUSY, -(int64_t)result)

CT_REAL(int, pthread_mutex_trylock, (pthread_mutex_t * lock))     /* not interposed: never waits */
CT_REAL(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock)) /* nor are these */
CT_REAL(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock))
CT_REAL(int, pthread_spin_trylock, (pthread_spinlock_t * lock))
CT_REAL(int, mtx_trylock, (mtx_t * lock))

CT_WRAP_LOCK(pthread_mutex_lock, (pthread_mutex_t * lock), (lock), CT_OP_MUTEX_LOCK,
             pthread_mutex_trylock, mutex_owner)
CT_WRAP_LOCK(pthread_mutex_timedlock, (pthread_mutex_t * lock, const struct timespec *deadline),
             (lock, deadline), CT_OP_MUTEX_TIMEDLOCK, pthread_mutex_trylock, mutex_owner)
CT_WRAP_LOCK(pthread_mutex_clocklock,
             (pthread_mutex_t * lock, clockid_t clock, const struct timespec *deadline),
             (lock, clock, deadline), CT_OP_MUTEX_TIMEDLOCK, pthread_mutex_trylock, mutex_owner)

CT_WRAP_LOCK(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock), CT_OP_RWLOCK_RDLOCK,
             pthread_rwlock_tryrdlock, rwlock_owner)
CT_WRAP_LOCK(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), CT_OP_RWLOCK_WRLOCK,
             pthread_rwlock_trywrlock, rwlock_owner)
CT_WRAP_LOCK(pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const struct timespec *deadline),
             (lock, deadline), CT_OP_RWLOCK_TIMEDRDLOCK, pthread_rwlock_tryrdlock, rwlock_owner)
CT_WRAP_LOCK(pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const struct timespec *deadline),
             (lock, deadline), CT_OP_RWLOCK_TIMEDWRLOCK, pthread_rwlock_trywrlock, rwlock_owner)
CT_WRAP_LOCK(pthread_rwlock_clockrdlock,
             (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *deadline),
             (lock, clock, deadline), CT_OP_RWLOCK_TIMEDRDLOCK, pthread_rwlock_tryrdlock,
             rwlock_owner)
CT_WRAP_LOCK(pthread_rwlock_clockwrlock,
             (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *deadline),
             (lock, clock, deadline), CT_OP_RWLOCK_TIMEDWRLOCK, pthread_rwlock_trywrlock,
             rwlock_owner)

CT_WRAP_LOCK(pthread_spin_lock, (pthread_spinlock_t * lock), (lock), CT_OP_SPIN_LOCK,
             pthread_spin_trylock, no_owner)

/* C11's are pthread's under other names and results. */
#define C11_OUTCOME (result == thrd_timedout ? -ETIMEDOUT : result)

CT_WRAP_LOCK_IF(mtx_lock, (mtx_t * lock), (lock), CT_OP_MUTEX_LOCK, mtx_trylock, mutex_owner,
                result == thrd_success, result == thrd_busy, C11_OUTCOME)
CT_WRAP_LOCK_IF(mtx_timedlock, (mtx_t *restrict lock, const struct timespec *restrict deadline),
                (lock, deadline), CT_OP_MUTEX_TIMEDLOCK, mtx_trylock, mutex_owner,
                result == thrd_success, result == thrd_busy, C11_OUTCOME)

/* ---- Giving it back. ---- */

#define CT_WRAP_UNLOCK(name, type, op)                                                \
    CT_REAL(int, name, (type * lock))                                                 \
    static __attribute__((noinline)) int slow_##name(type *lock, const void *site)    \
    {                                                                                 \
        struct ct_self *self = ct_self_enter();                                       \
        if (self == NULL)                                                             \
            return real_##name(lock);                                                 \
        bool has_waiters = ct_has_waiters((const void *)lock);                        \
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

CT_WRAP_UNLOCK(pthread_mutex_unlock, pthread_mutex_t, CT_OP_MUTEX_UNLOCK)
CT_WRAP_UNLOCK(pthread_rwlock_unlock, pthread_rwlock_t, CT_OP_RWLOCK_UNLOCK)
CT_WRAP_UNLOCK(pthread_spin_unlock, pthread_spinlock_t, CT_OP_SPIN_UNLOCK)
CT_WRAP_UNLOCK(mtx_unlock, mtx_t, CT_OP_MUTEX_UNLOCK)
