/*
 * Conditions, semaphores, barriers, initialisation once, and the end of threads. What lets others
 * go says so only when somebody waits.
 */
#include "preload/wait/deadline.h"
#include "preload/wait/mutex.h"
#include "wrap.h"

#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

/* ---- Conditions. ---- */

/* The versions that glibc has of some: the older one is another ABI. */
#define CONDITION_VERSION     "GLIBC_2.3.2"
#define OLD_CONDITION_VERSION "GLIBC_2.2.5"

/* Waiting releases the mutex, unless it is refused. */
static void wake_mutex_waiters(const void *mutex, const void *site)
{
    struct ct_self *self;
    int32_t holder;

    if (!ct_has_waiters(mutex) || ct_mutex_is_nested(mutex) || (self = ct_self_enter()) == NULL)
        return;
    holder = ct_mutex_holder(mutex);
    if (holder == 0 || holder == self->slot->tid)
        ct_wake(self, CT_OP_MUTEX_UNLOCK, (uint64_t)mutex, ct_ticks(), site);
}

/* A wait that `is_valid`; one that is not fails before it releases the mutex. */
#define CT_COND_WAIT_OUTCOME(name, params, args, op, is_valid, outcome)           \
    int name params                                                               \
    {                                                                             \
        struct ct_wait wait;                                                      \
        CT_NEED_REAL(name);                                                       \
        if (!(is_valid))                                                          \
            return real_##name args;                                              \
        wake_mutex_waiters(mutex, __builtin_return_address(0));                   \
        if (!ct_wait_begin_on(&wait, op, condition, __builtin_return_address(0))) \
            return real_##name args;                                              \
        int result = real_##name args;                                            \
        ct_wait_end_deferred(&wait, outcome);                                     \
        return result;                                                            \
    }

#define CT_COND_WAIT(name, params, args, op, is_valid) \
    CT_COND_WAIT_OUTCOME(name, params, args, op, is_valid, -(int64_t)result)

#define WAIT_PARAMS (pthread_cond_t * condition, pthread_mutex_t * mutex)
#define TIMEDWAIT_PARAMS \
    (pthread_cond_t * condition, pthread_mutex_t * mutex, const struct timespec *deadline)
#define CLOCKWAIT_PARAMS                                                   \
    (pthread_cond_t * condition, pthread_mutex_t * mutex, clockid_t clock, \
     const struct timespec *deadline)

CT_REAL_VERSION(int, pthread_cond_wait, WAIT_PARAMS, CONDITION_VERSION)
CT_REAL_VERSION(int, pthread_cond_timedwait, TIMEDWAIT_PARAMS, CONDITION_VERSION)
CT_REAL(int, pthread_cond_clockwait, CLOCKWAIT_PARAMS)

CT_COND_WAIT(pthread_cond_wait, WAIT_PARAMS, (condition, mutex), CT_OP_COND_WAIT, true)
CT_COND_WAIT(pthread_cond_timedwait, TIMEDWAIT_PARAMS, (condition, mutex, deadline),
             CT_OP_COND_TIMEDWAIT, ct_is_deadline(CLOCK_REALTIME, deadline))
CT_COND_WAIT(pthread_cond_clockwait, CLOCKWAIT_PARAMS, (condition, mutex, clock, deadline),
             CT_OP_COND_TIMEDWAIT, ct_is_deadline(clock, deadline))

#if CT_HAS_OLD_VERSIONS
CT_REAL_OLD(int, old_cond_wait, WAIT_PARAMS, pthread_cond_wait, OLD_CONDITION_VERSION)
CT_REAL_OLD(int, old_cond_timedwait, TIMEDWAIT_PARAMS, pthread_cond_timedwait,
            OLD_CONDITION_VERSION)

CT_COND_WAIT(old_cond_wait, WAIT_PARAMS, (condition, mutex), CT_OP_COND_WAIT, true)
CT_COND_WAIT(old_cond_timedwait, TIMEDWAIT_PARAMS, (condition, mutex, deadline),
             CT_OP_COND_TIMEDWAIT, ct_is_deadline(CLOCK_REALTIME, deadline))
#endif

/* C11's are pthread's under other names and results. */
#define C11_OUTCOME (result == thrd_timedout ? -ETIMEDOUT : result)

#define CND_WAIT_PARAMS (cnd_t * condition, mtx_t * mutex)
#define CND_TIMEDWAIT_PARAMS \
    (cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict deadline)

CT_REAL(int, cnd_wait, CND_WAIT_PARAMS)
CT_REAL(int, cnd_timedwait, CND_TIMEDWAIT_PARAMS)

CT_COND_WAIT_OUTCOME(cnd_wait, CND_WAIT_PARAMS, (condition, mutex), CT_OP_COND_WAIT, true,
                     C11_OUTCOME)
CT_COND_WAIT_OUTCOME(cnd_timedwait, CND_TIMEDWAIT_PARAMS, (condition, mutex, deadline),
                     CT_OP_COND_TIMEDWAIT, ct_is_deadline(CLOCK_REALTIME, deadline), C11_OUTCOME)

/* A call that lets waiters of its object go. */
#define CT_WAKE(name, params, args, op, object)                                        \
    int name params                                                                    \
    {                                                                                  \
        struct ct_self *self;                                                          \
        CT_NEED_REAL(name);                                                            \
        if (CT_LIKELY(!ct_has_waiters(object)) || (self = ct_self_enter()) == NULL)    \
            return real_##name args;                                                   \
        uint64_t ticks = ct_ticks();                                                   \
        int result = real_##name args;                                                 \
        if (result == 0)                                                               \
            ct_wake(self, op, (uint64_t)(object), ticks, __builtin_return_address(0)); \
        return result;                                                                 \
    }

#define SIGNAL_PARAMS (pthread_cond_t * condition)

CT_REAL_VERSION(int, pthread_cond_signal, SIGNAL_PARAMS, CONDITION_VERSION)
CT_REAL_VERSION(int, pthread_cond_broadcast, SIGNAL_PARAMS, CONDITION_VERSION)
CT_REAL(int, cnd_signal, (cnd_t * condition))
CT_REAL(int, cnd_broadcast, (cnd_t * condition))

CT_WAKE(pthread_cond_signal, SIGNAL_PARAMS, (condition), CT_OP_COND_SIGNAL, condition)
CT_WAKE(pthread_cond_broadcast, SIGNAL_PARAMS, (condition), CT_OP_COND_BROADCAST, condition)
CT_WAKE(cnd_signal, (cnd_t * condition), (condition), CT_OP_COND_SIGNAL, condition)
CT_WAKE(cnd_broadcast, (cnd_t * condition), (condition), CT_OP_COND_BROADCAST, condition)

#if CT_HAS_OLD_VERSIONS
CT_REAL_OLD(int, old_cond_signal, SIGNAL_PARAMS, pthread_cond_signal, OLD_CONDITION_VERSION)
CT_REAL_OLD(int, old_cond_broadcast, SIGNAL_PARAMS, pthread_cond_broadcast, OLD_CONDITION_VERSION)

CT_WAKE(old_cond_signal, SIGNAL_PARAMS, (condition), CT_OP_COND_SIGNAL, condition)
CT_WAKE(old_cond_broadcast, SIGNAL_PARAMS, (condition), CT_OP_COND_BROADCAST, condition)
#endif

/* ---- Semaphores. ---- */

CT_REAL(int, sem_trywait, (sem_t * semaphore)) /* not interposed */

/*
 * What is no deadline is refused first of all; then comes a cancellation, even if it need not
 * wait, where the call `is_cancelled` so.
 */
#define CT_WRAP_SEM_WAIT(name, params, args, op, is_valid, is_cancelled)          \
    CT_REAL(int, name, params)                                                    \
    int name params                                                               \
    {                                                                             \
        struct ct_wait wait;                                                      \
        int saved_errno = errno;                                                  \
        CT_NEED_REAL(name);                                                       \
        CT_NEED_REAL(sem_trywait);                                                \
        if (!(is_valid))                                                          \
            return real_##name args;                                              \
        if (is_cancelled)                                                         \
            pthread_testcancel();                                                 \
        if (CT_LIKELY(real_sem_trywait(semaphore) == 0))                          \
            return 0;                                                             \
        errno = saved_errno;                                                      \
        if (!ct_wait_begin_on(&wait, op, semaphore, __builtin_return_address(0))) \
            return real_##name args;                                              \
        int result = real_##name args;                                            \
        ct_wait_end(&wait, CT_ERRNO_OUTCOME);                                     \
        return result;                                                            \
    }

CT_WRAP_SEM_WAIT(sem_wait, (sem_t * semaphore), (semaphore), CT_OP_SEM_WAIT, true, true)
CT_WRAP_SEM_WAIT(sem_timedwait, (sem_t * semaphore, const struct timespec *deadline),
                 (semaphore, deadline), CT_OP_SEM_TIMEDWAIT,
                 ct_is_deadline(CLOCK_REALTIME, deadline), true)
CT_WRAP_SEM_WAIT(sem_clockwait,
                 (sem_t * semaphore, clockid_t clock, const struct timespec *deadline),
                 (semaphore, clock, deadline), CT_OP_SEM_TIMEDWAIT, ct_is_deadline(clock, deadline),
                 false)

CT_REAL(int, sem_post, (sem_t * semaphore))
CT_WAKE(sem_post, (sem_t * semaphore), (semaphore), CT_OP_SEM_POST, semaphore)

/* ---- Barriers. ---- */

CT_REAL(int, pthread_barrier_wait, (pthread_barrier_t * barrier))

/* glibc gives PTHREAD_BARRIER_SERIAL_THREAD to the last one to arrive, which lets the others go. */
int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    struct ct_wait wait;

    CT_NEED_REAL(pthread_barrier_wait);
    if (!ct_wait_begin_on(&wait, CT_OP_BARRIER_WAIT, barrier, __builtin_return_address(0)))
        return real_pthread_barrier_wait(barrier);
    int result = real_pthread_barrier_wait(barrier);
    ct_wait_end(&wait, result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : -(int64_t)result);
    if (result == PTHREAD_BARRIER_SERIAL_THREAD)
        ct_wake(wait.self, CT_OP_BARRIER_WAIT, (uint64_t)barrier, wait.begin_ticks,
                __builtin_return_address(0));
    return result;
}

/* ---- Initialisation once: others wait for the thread that does it. ---- */

/* One call under way that found the work not done. */
struct once_call {
    const void *control;
    void (*routine)(void);
    const void *site;
    struct ct_wait wait;
    bool is_first;    /* nobody had begun */
    bool is_ours;     /* it is this thread that does it */
    bool has_waiters; /* when it had */
    uint64_t done_ticks;
};

static CT_TLS struct once_call *once_call;

/* In place of the program's routine: from here on this thread does not wait. */
static void run_once(void)
{
    struct once_call *call = once_call;

    call->is_ours = true;
    if (call->is_first)
        ct_wait_cancel(&call->wait);
    else
        ct_wait_end(&call->wait, 0);
    call->routine();
    call->has_waiters = ct_has_waiters(call->control);
    call->done_ticks = ct_ticks();
}

/* False if the call is not recorded. */
static bool begin_once(struct once_call *call)
{
    call->is_first = atomic_load((const _Atomic int *)call->control) == 0;
    if (!ct_wait_begin_on(&call->wait, CT_OP_ONCE, call->control, call->site))
        return false;
    once_call = call;
    return true;
}

static void end_once(struct once_call *call)
{
    if (!call->is_ours)
        ct_wait_end(&call->wait, 0);
    else if (call->has_waiters)
        ct_wake(call->wait.self, CT_OP_ONCE, (uint64_t)call->control, call->done_ticks, call->site);
}

/* glibc's state of a once control; higher bits count forks. */
static bool is_done(const void *control)
{
    return (atomic_load((const _Atomic int *)control) & 2) != 0;
}

CT_REAL(int, pthread_once, (pthread_once_t * control, void (*routine)(void)))

int pthread_once(pthread_once_t *control, void (*routine)(void))
{
    struct once_call call = {control, routine, __builtin_return_address(0), .is_ours = false};

    CT_NEED_REAL(pthread_once);
    if (CT_LIKELY(is_done(control)) || !begin_once(&call))
        return real_pthread_once(control, routine);
    int result = real_pthread_once(control, run_once);
    end_once(&call);
    return result;
}

CT_REAL(void, call_once, (once_flag * control, void (*routine)(void)))

void call_once(once_flag *control, void (*routine)(void))
{
    struct once_call call = {control, routine, __builtin_return_address(0), .is_ours = false};

    CT_NEED_REAL(call_once);
    if (CT_LIKELY(is_done(control)) || !begin_once(&call)) {
        real_call_once(control, routine);
        return;
    }
    real_call_once(control, run_once);
    end_once(&call);
}
