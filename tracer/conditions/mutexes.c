#include "conditions/mutexes.h"

#include "accounts/accounts.h"
#include "accounts/look.h"
#include "conditions/circle.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* Shorter waits are no deadlock that anybody would notice, and are many. */
#define STUCK_NS UINT64_C(1000000000)

/* How glibc's pthread_mutex_t begins. */
struct mutex {
    int32_t word; /* CONTENDED: somebody waits */
    uint32_t count;
    int32_t owner; /* id of a thread, as its process has it */
};

enum { CONTENDED = 2 };

static gboolean is_stuck(const struct ct_account_thread *thread)
{
    return thread->seen.wait.op == CT_OP_FUTEX_WAIT && thread->process->abi == CT_SYSCALL_ABI_OWN &&
           thread->seen.looked_ns - thread->seen.since_ns >= STUCK_NS;
}

/* Condition variables and whatever has a time are waited for by FUTEX_WAIT_BITSET, or have one. */
static gboolean is_lock_call(const struct ct_look *look)
{
    const uint64_t flags = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;

    return look->number == SYS_futex && (look->arguments[1] & ~flags) == FUTEX_WAIT &&
           (uint32_t)look->arguments[2] == CONTENDED && look->arguments[3] == 0;
}

/* FALSE: it is not ours to see. */
static gboolean read_mutex(pid_t pid, uint64_t address, struct mutex *mutex)
{
    struct iovec here = {mutex, sizeof(*mutex)};
    struct iovec there = {(void *)(uintptr_t)address, sizeof(*mutex)};

    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)sizeof(*mutex);
}

static void look_at(struct ct_mutexes *mutexes, const struct ct_seen_thread *seen)
{
    struct ct_look look;
    struct mutex mutex;

    if (!ct_look_read(seen->pid, seen->tid, &look))
        return;
    if (look.place == CT_PLACE_HIDDEN)
        mutexes->is_refused = TRUE;
    if (look.place != CT_PLACE_IN_CALL || !is_lock_call(&look))
        return;
    if (!read_mutex(seen->pid, look.arguments[0], &mutex)) {
        mutexes->is_refused = TRUE;
    } else if (mutex.word == CONTENDED && mutex.owner > 0) {
        const struct ct_lock_wait wait = {seen->pid, seen->tid, mutex.owner};

        g_array_append_val(mutexes->waits, wait);
    }
}

void ct_mutexes_find(struct ct_mutexes *mutexes, const GPtrArray *threads)
{
    mutexes->waits = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_wait));
    mutexes->is_refused = FALSE;
    for (guint i = 0; i < threads->len; i++) {
        const struct ct_account_thread *thread = threads->pdata[i];

        if (is_stuck(thread))
            look_at(mutexes, &thread->seen);
    }
}

void ct_mutexes_clear(struct ct_mutexes *mutexes)
{
    g_array_unref(mutexes->waits);
}
