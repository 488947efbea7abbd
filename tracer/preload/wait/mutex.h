/* What glibc keeps in a mutex: of what kind it is, and who holds it. C11's mtx_t is the same. */
#ifndef CTRACE_PRELOAD_WAIT_MUTEX_H
#define CTRACE_PRELOAD_WAIT_MUTEX_H

#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <threads.h>

/* Parts of __kind; PTHREAD_MUTEX_RECURSIVE and its like are the type. */
enum ct_mutex_kind {
    CT_MUTEX_TYPE = 3,
    CT_MUTEX_ROBUST = 16,
    CT_MUTEX_PRIO_INHERIT = 32,
    CT_MUTEX_PRIO_PROTECT = 64,
    CT_MUTEX_SHARED = 128, /* between processes */
};

/* In the lock word of one with CT_MUTEX_PRIO_PROTECT: its priority ceiling. */
#define CT_MUTEX_CEILING 0xfff80000U

_Static_assert(sizeof(mtx_t) >= sizeof(int) * 5 && sizeof(mtx_t) <= sizeof(pthread_mutex_t),
               "a mtx_t is a pthread_mutex_t");

static inline unsigned ct_mutex_kind(const void *mutex)
{
    return (unsigned)((const pthread_mutex_t *)mutex)->__data.__kind;
}

static inline unsigned ct_mutex_type(const void *mutex)
{
    return ct_mutex_kind(mutex) & CT_MUTEX_TYPE;
}

/*
 * Is an attempt to lock it nothing but a lock that does not wait? Not so if it is robust (an
 * attempt at one that is not recoverable leaves it held for ever), has a priority ceiling (an
 * attempt that fails changes what the next one gives), or inherits priorities (an attempt asserts
 * that the owner lives).
 */
static inline bool ct_mutex_is_plain(const void *mutex)
{
    return (ct_mutex_kind(mutex) &
            (CT_MUTEX_ROBUST | CT_MUTEX_PRIO_INHERIT | CT_MUTEX_PRIO_PROTECT)) == 0;
}

static inline bool ct_mutex_is_taken(const void *mutex)
{
    unsigned word = (unsigned)((const volatile pthread_mutex_t *)mutex)->__data.__lock;

    if (ct_mutex_kind(mutex) & CT_MUTEX_PRIO_PROTECT)
        return (word & ~CT_MUTEX_CEILING) != 0;
    return (word & FUTEX_TID_MASK) != 0; /* the other bits: its owner died, somebody waits */
}

/* Thread id of the holder; 0: nobody, or not known. */
static inline int32_t ct_mutex_holder(const void *mutex)
{
    const volatile pthread_mutex_t *lock = mutex;

    /* __owner says also whether a robust one is consistent. */
    if (ct_mutex_kind(mutex) & (CT_MUTEX_ROBUST | CT_MUTEX_PRIO_INHERIT))
        return (int32_t)((unsigned)lock->__data.__lock & FUTEX_TID_MASK);
    return lock->__data.__owner;
}

/* Its holder has locked it more than once: an unlock keeps it. */
static inline bool ct_mutex_is_nested(const void *mutex)
{
    return ct_mutex_type(mutex) == PTHREAD_MUTEX_RECURSIVE_NP &&
           ((const volatile pthread_mutex_t *)mutex)->__data.__count > 1;
}

#endif
