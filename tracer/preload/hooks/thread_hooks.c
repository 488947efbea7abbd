/* Threads: their begin, their names, waiting for their end. */
#include "preload/core/storage.h"
#include "preload/life/thread.h"
#include "wrap.h"

#include <pthread.h>
#include <threads.h>

/* What a new thread takes over from its creator. */
struct thread_start {
    _Atomic int is_taken;
    int32_t creator_tid;
    void *(*routine)(void *);
    int (*c11_routine)(void *); /* if not NULL, this one */
    void *argument;
};

/* Starts under way at one moment; a thread that finds none free begins with its first wait. */
#define MAX_STARTS 1024
static CT_LARGE struct thread_start starts[MAX_STARTS];

static struct thread_start *take_start(void)
{
    static _Atomic unsigned next;

    for (unsigned tries = 0; tries < MAX_STARTS; tries++) {
        struct thread_start *start = &starts[atomic_fetch_add(&next, 1) % MAX_STARTS];
        int is_free = 0;
        if (atomic_compare_exchange_strong(&start->is_taken, &is_free, 1))
            return start;
    }
    return NULL;
}

/* The new thread's own copy of what it takes over. */
static struct thread_start begin_thread(void *argument)
{
    struct thread_start *shared = argument;
    struct thread_start start = {.creator_tid = shared->creator_tid,
                                 .routine = shared->routine,
                                 .c11_routine = shared->c11_routine,
                                 .argument = shared->argument};

    atomic_store(&shared->is_taken, 0);
    ct_thread_begin(start.creator_tid, start.c11_routine != NULL ? (uint64_t)start.c11_routine
                                                                 : (uint64_t)start.routine);
    return start;
}

static void *run_thread(void *argument)
{
    struct thread_start start = begin_thread(argument);

    return start.routine(start.argument);
}

static int run_c11_thread(void *argument)
{
    struct thread_start start = begin_thread(argument);

    return start.c11_routine(start.argument);
}

CT_REAL(int, pthread_create,
        (pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
         void *(*routine)(void *), void *restrict argument))

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*routine)(void *), void *restrict argument)
{
    struct thread_start *start;

    CT_NEED_REAL(pthread_create);
    ct_self_settle();
    if ((start = take_start()) == NULL)
        return real_pthread_create(thread, attributes, routine, argument);
    start->creator_tid = ct_self.mode == CT_MODE_TRACED ? ct_self.slot->tid : 0;
    start->routine = routine;
    start->c11_routine = NULL;
    start->argument = argument;
    int result = real_pthread_create(thread, attributes, run_thread, start);
    if (result != 0)
        atomic_store(&start->is_taken, 0);
    return result;
}

CT_REAL(int, thrd_create, (thrd_t * thread, thrd_start_t routine, void *argument))

int thrd_create(thrd_t *thread, thrd_start_t routine, void *argument)
{
    struct thread_start *start;

    CT_NEED_REAL(thrd_create);
    ct_self_settle();
    if ((start = take_start()) == NULL)
        return real_thrd_create(thread, routine, argument);
    start->creator_tid = ct_self.mode == CT_MODE_TRACED ? ct_self.slot->tid : 0;
    start->routine = NULL;
    start->c11_routine = routine;
    start->argument = argument;
    int result = real_thrd_create(thread, run_c11_thread, start);
    if (result != thrd_success)
        atomic_store(&start->is_taken, 0);
    return result;
}

CT_REAL(int, pthread_setname_np, (pthread_t thread, const char *name))

int pthread_setname_np(pthread_t thread, const char *name)
{
    CT_NEED_REAL(pthread_setname_np);
    int result = real_pthread_setname_np(thread, name);
    /* Another thread's new name is seen when that thread ends. */
    if (result == 0 && pthread_equal(thread, pthread_self()))
        ct_thread_renamed();
    return result;
}

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
CT_WRAP_PTHREAD(thrd_join, (thrd_t thread, int *value), (thread, value), CT_OP_THREAD_JOIN,
                CT_CLASS_SYNC, ct_thread_object(thread))
