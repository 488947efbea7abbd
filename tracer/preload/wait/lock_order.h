/*
 * Locks that a thread holds while it waits for another one. Of each thread the locks that it took
 * last are noted, which costs two stores; whether it still holds them is asked when it has to wait.
 */
#ifndef CTRACE_PRELOAD_WAIT_LOCK_ORDER_H
#define CTRACE_PRELOAD_WAIT_LOCK_ORDER_H

#include "wait.h"

/* What is noted is the lock's address, and in its last bits what it is: locks of these kinds say
 * who has them. NONE: it does not. */
enum ct_taken { CT_TAKEN_MUTEX, CT_TAKEN_WRITER, CT_TAKEN_NONE, CT_TAKEN_MASK = 3 };

static inline enum ct_taken ct_taken_by(enum ct_op op)
{
    if (op == CT_OP_MUTEX_LOCK || op == CT_OP_MUTEX_TIMEDLOCK)
        return CT_TAKEN_MUTEX;
    if (op == CT_OP_RWLOCK_WRLOCK || op == CT_OP_RWLOCK_TIMEDWRLOCK)
        return CT_TAKEN_WRITER;
    return CT_TAKEN_NONE;
}

/* The thread has got the lock by that operation. */
static inline __attribute__((always_inline)) void ct_lock_order_take(enum ct_op op,
                                                                     const void *lock)
{
    if (ct_taken_by(op) == CT_TAKEN_NONE)
        return;
    ct_self.taken[ct_self.taken_count++ % CT_LOCKS_TAKEN] = (uint64_t)lock | ct_taken_by(op);
}

/* It has begun this wait, for a lock: those that it holds are told, if it has not been looked for
 * that of late. */
void ct_lock_order_tell(struct ct_wait *wait, const void *lock);

#endif
