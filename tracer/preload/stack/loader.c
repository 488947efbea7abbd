#include "loader.h"

#include "modules.h"
#include "preload/core/clock.h"
#include "preload/core/raw.h"
#include "preload/core/self.h"
#include "schema/syscalls.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Threads between enter and leave, whether a fork waits for them, and how many threads wait until
 * it is over. */
static _Atomic int loader_users;
static _Atomic int is_forking;
static _Atomic int fork_awaiters;

/* A user that has lost its CPU gets it back long before this. One that was cancelled never leaves,
 * and is forgotten then. */
#define LEAVING_NS UINT64_C(1000000000)

/* How often it is looked whether they have left, without taking the CPU from them. */
#define LOOK_AGAIN_NS 50000

/* Until is_forking is no longer `value`, or it is that late. */
static void pause_until(int value, uint64_t ns)
{
    uint64_t own_ns = ct_clock_own_ns(ns);
    const struct timespec time = {.tv_sec = (time_t)(own_ns / 1000000000),
                                  .tv_nsec = (long)(own_ns % 1000000000)};

    atomic_fetch_add(&fork_awaiters, 1);
    ct_syscall(SYS_futex, &is_forking, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, &time, NULL,
               CT_OWN_FUTEX_BITSET);
    atomic_fetch_sub(&fork_awaiters, 1);
}

bool ct_loader_enter(void)
{
    ct_self.loader_uses++;
    atomic_fetch_add(&loader_users, 1);
    if (!atomic_load(&is_forking))
        return true;
    ct_loader_leave();
    return false;
}

void ct_loader_leave(void)
{
    atomic_fetch_sub(&loader_users, 1);
    ct_self.loader_uses--;
}

/* The thread that forks may be a user itself, in a signal handler. */
static void stop_loader(void)
{
    uint64_t begin_ns = ct_now_ns();
    int others;

    atomic_fetch_add(&is_forking, 1);
    while ((others = atomic_load(&loader_users) - ct_self.loader_uses) > 0) {
        uint64_t now_ns = ct_now_ns();

        if (now_ns - begin_ns < LEAVING_NS)
            pause_until(atomic_load(&is_forking), now_ns + LOOK_AGAIN_NS);
        else
            atomic_fetch_sub(&loader_users, others);
    }
}

static void go_on_in_parent(void)
{
    atomic_fetch_sub(&is_forking, 1);
    if (atomic_load(&fork_awaiters) > 0)
        ct_syscall(SYS_futex, &is_forking, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

static void go_on_in_child(void)
{
    atomic_store(&loader_users, ct_self.loader_uses); /* the others stayed behind */
    atomic_store(&fork_awaiters, 0);
    ct_modules_forked();
    atomic_fetch_sub(&is_forking, 1);
}

void ct_loader_await_fork(uint64_t until_ns)
{
    int value = atomic_load(&is_forking);

    if (value != 0)
        pause_until(value, until_ns);
}

void ct_loader_init(void)
{
    /* The first to register stops last and goes on first: others' handlers may take their time. */
    pthread_atfork(stop_loader, go_on_in_parent, go_on_in_child);
}
