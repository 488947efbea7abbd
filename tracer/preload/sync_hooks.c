/*
 * pthread synchronisation. Uncontended is free: try first, and success reads no clock and writes
 * nothing. What lets others go says so only when somebody waits.
 */
#include "hook.h"

#include <pthread.h>
#include <semaphore.h>

/* ---- Blocking on an object that others will unlock, signal or post. ---- */

static __attribute__((noinline)) bool block_on(struct ct_wait *wait, enum ct_op op,
                                               const void *object, const void *site)
{
    if (!ct_wait_begin_blocking(wait, op, site))
        return false;
    atomic_fetch_add(ct_waiters_of(object), 1);
    ct_wait_subject(wait, CT_CLASS_SYNC, (uint64_t)object);
    return true;
}

static void unblock_from(const void *object)
{
    atomic_fetch_sub(ct_waiters_of(object), 1);
}

/* ---- Mutexes. ---- */

CT_REAL(int, pthread_mutex_trylock, (pthread_mutex_t * mutex)) /* not interposed: never waits */

static bool block_on_mutex(struct ct_wait *wait, enum ct_op op, const pthread_mutex_t *mutex,
                           const void *site)
{
    int32_t owner = mutex->__data.__owner; /* glibc: the thread id of the holder */

    if (!block_on(wait, op, mutex, site))
        return false;
    wait->self->slot->wait.owner = owner;
    return true;
}

#define CT_WRAP_LOCK(name, params, args, op)                                                   \
    CT_REAL(int, name, params)                                                                 \
    int name params                                                                            \
    {                                                                                          \
        struct ct_wait wait;                                                                   \
        CT_NEED_REAL(name);                                                                    \
        CT_NEED_REAL(pthread_mutex_trylock);                                                   \
        int result = real_pthread_mutex_trylock(mutex);                                        \
        if (CT_LIKELY(result == 0 || result == EOWNERDEAD))                                    \
            return result;                                                                     \
        if (result != EBUSY || !block_on_mutex(&wait, op, mutex, __builtin_return_address(0))) \
            return real_##name args;                                                           \
        result = real_##name args;                                                             \
        unblock_from(mutex);                                                                   \
        ct_wait_end_deferred(&wait, -result);                                                  \
        return result;                                                                         \
    }

CT_WRAP_LOCK(pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex), CT_OP_MUTEX_LOCK)
CT_WRAP_LOCK(pthread_mutex_timedlock, (pthread_mutex_t * mutex, const struct timespec *deadline),
             (mutex, deadline), CT_OP_MUTEX_TIMEDLOCK)
CT_WRAP_LOCK(pthread_mutex_clocklock,
             (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *deadline),
             (mutex, clock, deadline), CT_OP_MUTEX_TIMEDLOCK)

CT_REAL(int, pthread_mutex_unlock, (pthread_mutex_t * mutex))

static __attribute__((noinline)) int unlock_slowly(pthread_mutex_t *mutex, const void *site)
{
    struct ct_self *self = ct_self_enter();

    if (self == NULL)
        return real_pthread_mutex_unlock(mutex);
    bool has_waiters = ct_has_waiters(mutex);
    uint64_t ticks = ct_ticks();
    int result = real_pthread_mutex_unlock(mutex);
    if (has_waiters && result == 0)
        ct_wake(self, CT_OP_MUTEX_UNLOCK, (uint64_t)mutex, ticks, site);
    if (self->has_unwritten)
        ct_wait_flush(self);
    return result;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    CT_NEED_REAL(pthread_mutex_unlock);
    if (CT_LIKELY(!ct_has_waiters(mutex) && !ct_self.has_unwritten))
        return real_pthread_mutex_unlock(mutex);
    return unlock_slowly(mutex, __builtin_return_address(0));
}

/* ---- Conditions. Their oldest symbol version is another ABI: ask for the one in use. ---- */

#define CONDITION_VERSION "GLIBC_2.3.2"

/* Waiting releases the mutex. */
static void wake_mutex_waiters(pthread_mutex_t *mutex, const void *site)
{
    struct ct_self *self;

    if (ct_has_waiters(mutex) && (self = ct_self_enter()) != NULL)
        ct_wake(self, CT_OP_MUTEX_UNLOCK, (uint64_t)mutex, ct_ticks(), site);
}

#define CT_WRAP_COND_WAIT(name, params, args, op, version)                \
    CT_REAL_VERSION(int, name, params, version)                           \
    int name params                                                       \
    {                                                                     \
        struct ct_wait wait;                                              \
        CT_NEED_REAL(name);                                               \
        wake_mutex_waiters(mutex, __builtin_return_address(0));           \
        if (!block_on(&wait, op, condition, __builtin_return_address(0))) \
            return real_##name args;                                      \
        int result = real_##name args;                                    \
        unblock_from(condition);                                          \
        ct_wait_end_deferred(&wait, -result);                             \
        return result;                                                    \
    }

CT_WRAP_COND_WAIT(pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t *mutex),
                  (condition, mutex), CT_OP_COND_WAIT, CONDITION_VERSION)
CT_WRAP_COND_WAIT(pthread_cond_timedwait,
                  (pthread_cond_t * condition, pthread_mutex_t *mutex,
                   const struct timespec *deadline),
                  (condition, mutex, deadline), CT_OP_COND_TIMEDWAIT, CONDITION_VERSION)
CT_WRAP_COND_WAIT(pthread_cond_clockwait,
                  (pthread_cond_t * condition, pthread_mutex_t *mutex, clockid_t clock,
                   const struct timespec *deadline),
                  (condition, mutex, clock, deadline), CT_OP_COND_TIMEDWAIT, NULL)

/* A call that lets waiters of its object go. */
#define CT_WRAP_WAKE(name, params, args, op, object, version)                       \
    CT_REAL_VERSION(int, name, params, version)                                     \
    int name params                                                                 \
    {                                                                               \
        struct ct_self *self;                                                       \
        CT_NEED_REAL(name);                                                         \
        if (CT_LIKELY(!ct_has_waiters(object)) || (self = ct_self_enter()) == NULL) \
            return real_##name args;                                                \
        uint64_t ticks = ct_ticks();                                                \
        int result = real_##name args;                                              \
        ct_wake(self, op, (uint64_t)(object), ticks, __builtin_return_address(0));  \
        return result;                                                              \
    }

CT_WRAP_WAKE(pthread_cond_signal, (pthread_cond_t * condition), (condition), CT_OP_COND_SIGNAL,
             condition, CONDITION_VERSION)
CT_WRAP_WAKE(pthread_cond_broadcast, (pthread_cond_t * condition), (condition),
             CT_OP_COND_BROADCAST, condition, CONDITION_VERSION)

/* ---- Semaphores. ---- */

CT_REAL(int, sem_trywait, (sem_t * semaphore)) /* not interposed */

/* Semaphores refuse what is none before they look at the semaphore. */
static bool is_time(const struct timespec *time)
{
    return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

#define CT_WRAP_SEM_WAIT(name, params, args, op, may_try)                         \
    CT_REAL(int, name, params)                                                    \
    int name params                                                               \
    {                                                                             \
        struct ct_wait wait;                                                      \
        int saved_errno = errno;                                                  \
        CT_NEED_REAL(name);                                                       \
        CT_NEED_REAL(sem_trywait);                                                \
        pthread_testcancel(); /* a cancellation point even if it need not wait */ \
        if (CT_LIKELY((may_try) && real_sem_trywait(semaphore) == 0))             \
            return 0;                                                             \
        errno = saved_errno;                                                      \
        if (!block_on(&wait, op, semaphore, __builtin_return_address(0)))         \
            return real_##name args;                                              \
        int result = real_##name args;                                            \
        unblock_from(semaphore);                                                  \
        ct_wait_end(&wait, result < 0 ? -errno : result);                         \
        return result;                                                            \
    }

CT_WRAP_SEM_WAIT(sem_wait, (sem_t * semaphore), (semaphore), CT_OP_SEM_WAIT, true)
CT_WRAP_SEM_WAIT(sem_timedwait, (sem_t * semaphore, const struct timespec *deadline),
                 (semaphore, deadline), CT_OP_SEM_TIMEDWAIT, is_time(deadline))
CT_WRAP_SEM_WAIT(sem_clockwait,
                 (sem_t * semaphore, clockid_t clock, const struct timespec *deadline),
                 (semaphore, clock, deadline), CT_OP_SEM_TIMEDWAIT,
                 is_time(deadline) && (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC))

CT_WRAP_WAKE(sem_post, (sem_t * semaphore), (semaphore), CT_OP_SEM_POST, semaphore, NULL)

/* ---- Threads. ---- */

CT_WRAP_PTHREAD(pthread_join, (pthread_t thread, void **value), (thread, value), CT_OP_THREAD_JOIN,
                CT_CLASS_SYNC, ct_thread_object(thread))
CT_WRAP_PTHREAD(pthread_timedjoin_np,
                (pthread_t thread, void **value, const struct timespec *deadline),
                (thread, value, deadline), CT_OP_THREAD_JOIN, CT_CLASS_SYNC,
                ct_thread_object(thread))
CT_WRAP_PTHREAD(pthread_clockjoin_np,
                (pthread_t thread, void **value, clockid_t clock, const struct timespec *deadline),
                (thread, value, clock, deadline), CT_OP_THREAD_JOIN, CT_CLASS_SYNC,
                ct_thread_object(thread))
