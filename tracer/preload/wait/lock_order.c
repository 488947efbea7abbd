#include "lock_order.h"

#include "preload/core/emit.h"
#include "preload/core/raw.h"

#include <linux/futex.h>
#include <pthread.h>

/* Of waits at one place for one lock, the first so many are looked at, and then every so many. */
#define LOOKS_FIRST 8
#define LOOKS_EACH  64

/* A place and lock in the cache: a count below, and above what tells it from others. */
#define COUNT_MASK UINT32_C(0xff)

static bool is_to_look_at(struct ct_self *self, uint64_t site, const void *lock)
{
    uint64_t mixed = (site ^ (uint64_t)lock << 20) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t *entry = &self->orders_looked_at[(mixed >> 60) % CT_LOCK_ORDER_CACHE];
    uint32_t tag = (uint32_t)(mixed >> 24) & ~COUNT_MASK;
    uint32_t count = (*entry & ~COUNT_MASK) == tag ? *entry & COUNT_MASK : 0;

    *entry = tag | (count < LOOKS_FIRST + LOOKS_EACH - 1 ? count + 1 : LOOKS_FIRST);
    return count <= LOOKS_FIRST;
}

/*
 * The lock may be gone, and its memory with it, at any moment: the kernel compares, by a call that
 * wakes nobody and changes nothing.
 */
static bool is_at(const volatile void *word, int32_t tid)
{
    return ct_syscall(SYS_futex, word, FUTEX_CMP_REQUEUE_PRIVATE, 0, NULL, word, tid) >= 0;
}

static bool is_held(uint64_t taken, int32_t tid)
{
    const void *lock = (const void *)(taken & ~(uint64_t)CT_TAKEN_MASK);

    if ((taken & CT_TAKEN_MASK) == CT_TAKEN_WRITER)
        return is_at(&((const pthread_rwlock_t *)lock)->__data.__cur_writer, tid);
    return is_at(&((const pthread_mutex_t *)lock)->__data.__owner, tid);
}

static bool is_known(const struct ct_self *self, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (self->taken[i] == self->taken[index])
            return true;
    }
    return false;
}

static void tell(struct ct_wait *wait, uint64_t taken, const void *lock)
{
    struct ct_event_lock_order event = {
        .held = taken & ~(uint64_t)CT_TAKEN_MASK,
        .held_op =
            (taken & CT_TAKEN_MASK) == CT_TAKEN_WRITER ? CT_OP_RWLOCK_WRLOCK : CT_OP_MUTEX_LOCK,
        .object = (uint64_t)lock,
        .op = wait->op,
        .stack = wait->stack,
    };

    wait->self->mode = CT_MODE_BUSY;
    ct_emit_lock_order(wait->self, ct_ticks(), &event);
    wait->self->mode = CT_MODE_TRACED;
}

void ct_lock_order_tell(struct ct_wait *wait, const void *lock)
{
    struct ct_self *self = wait->self;
    int saved_errno = errno;

    if (ct_is_early(wait->begin_ticks) || !ct_class_is_recorded(CT_CLASS_SYNC) ||
        !is_to_look_at(self, wait->site, lock))
        return;
    for (uint32_t i = 0; i < CT_LOCKS_TAKEN; i++) {
        uint64_t taken = self->taken[i];

        if (taken != 0 && (taken & ~(uint64_t)CT_TAKEN_MASK) != (uint64_t)lock &&
            !is_known(self, i) && is_held(taken, self->slot->tid))
            tell(wait, taken, lock);
    }
    errno = saved_errno;
}
