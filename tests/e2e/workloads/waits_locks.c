/*
 * Waits that know the answer: mutexes of every kind, and the conditions of the oldest programs. And
 * what is no wait: locks that are free, or the caller's own; what keeps a lock wakes nobody.
 */
#include "scenario.h"

#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>

/* ---- Mutexes that another thread holds for WAIT_MS. ---- */

struct kind {
    const char *name;
    int type;
    int robustness;
    int protocol;
};

static const struct kind kinds[] = {
    {"normal", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE},
    {"recursive", PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE},
    {"errorcheck", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE},
    {"adaptive", PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE},
    {"robust", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE},
    {"robust-recursive", PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE},
    {"inherit", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT},
    {"robust-inherit", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT},
    {"protect", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_PROTECT},
    {"protect-errorcheck", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_PROTECT},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

struct held {
    pthread_mutex_t mutex;
    sem_t is_taken;
};

static void make_mutex(pthread_mutex_t *mutex, const struct kind *kind)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, kind->type);
    pthread_mutexattr_setrobust(&attributes, kind->robustness);
    pthread_mutexattr_setprotocol(&attributes, kind->protocol);
    require(pthread_mutex_init(mutex, &attributes) == 0, "pthread_mutex_init");
}

/* An ordinary thread is refused a mutex with a priority ceiling once. */
static int lock_mutex(pthread_mutex_t *mutex)
{
    int result = pthread_mutex_lock(mutex);

    return result == EINVAL ? pthread_mutex_lock(mutex) : result;
}

static void *hold(void *data)
{
    struct held *held = data;

    require(lock_mutex(&held->mutex) == 0, "lock");
    sem_post(&held->is_taken);
    sleep_ms(WAIT_MS);
    require(pthread_mutex_unlock(&held->mutex) == 0, "unlock");
    return NULL;
}

static void run_mutex(struct scenario *scenario)
{
    struct held held;
    pthread_mutex_t own;
    const struct kind *kind = kinds;

    while (strncmp(kind->name, scenario->name, 15) != 0)
        kind++;
    make_mutex(&held.mutex, kind);
    make_mutex(&own, kind);
    sem_init(&held.is_taken, 0, 0);
    require(lock_mutex(&own) == 0 && pthread_mutex_unlock(&own) == 0, "lock");
    for (int i = 0; i < REPEATS; i++) {
        pthread_t holder;

        require(pthread_create(&holder, NULL, hold, &held) == 0, "pthread_create");
        sem_wait(&held.is_taken);
        MEASURED(scenario, pthread_mutex_lock(&held.mutex) == 0);
        require(pthread_mutex_unlock(&held.mutex) == 0, "unlock");
        pthread_join(holder, NULL);
    }
}

/* ---- Conditions of glibc before 2.3.2: a pointer, and other things of the program behind it. ----
 */

#ifdef __x86_64__

#define OLD(name) __asm__(".symver old_" #name ", pthread_cond_" #name "@GLIBC_2.2.5")

OLD(init);
OLD(destroy);
OLD(wait);
OLD(timedwait);
OLD(signal);
OLD(broadcast);

int old_init(void **condition, const pthread_condattr_t *attributes);
int old_destroy(void **condition);
int old_wait(void **condition, pthread_mutex_t *mutex);
int old_timedwait(void **condition, pthread_mutex_t *mutex, const struct timespec *deadline);
int old_signal(void **condition);
int old_broadcast(void **condition);

struct old {
    pthread_mutex_t mutex;
    void *condition;
    bool is_set;
    char neighbours[96];
    int (*let_go)(void **condition);
};

static void set_old(void *data)
{
    struct old *old = data;

    pthread_mutex_lock(&old->mutex);
    old->is_set = true;
    old->let_go(&old->condition);
    pthread_mutex_unlock(&old->mutex);
}

static bool is_unharmed(const struct old *old)
{
    for (size_t i = 0; i < sizeof old->neighbours; i++)
        if (old->neighbours[i] != 'x')
            return false;
    return true;
}

static void make_old(struct old *old, int (*let_go)(void **condition))
{
    pthread_mutex_init(&old->mutex, NULL);
    memset(old->neighbours, 'x', sizeof old->neighbours);
    old->let_go = let_go;
    require(old_init(&old->condition, NULL) == 0, "old init");
}

static void end_old(struct old *old)
{
    require(old_destroy(&old->condition) == 0 && is_unharmed(old), "old condition");
}

static void run_old(struct scenario *scenario, int (*let_go)(void **condition))
{
    struct old old;

    make_old(&old, let_go);
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        pthread_mutex_lock(&old.mutex);
        old.is_set = false;
        partner_start(&partner, set_old, &old);
        while (!old.is_set)
            MEASURED(scenario, old_wait(&old.condition, &old.mutex) == 0);
        pthread_mutex_unlock(&old.mutex);
        partner_end(&partner);
    }
    end_old(&old);
}

static void run_old_signal(struct scenario *scenario)
{
    run_old(scenario, old_signal);
}

static void run_old_broadcast(struct scenario *scenario)
{
    run_old(scenario, old_broadcast);
}

static void run_old_timed(struct scenario *scenario)
{
    struct old old;

    make_old(&old, old_signal);
    pthread_mutex_lock(&old.mutex);
    for (int i = 0; i < REPEATS; i++) {
        struct timespec deadline = realtime_in_ms(WAIT_MS);

        MEASURED(scenario, old_timedwait(&old.condition, &old.mutex, &deadline) == ETIMEDOUT);
    }
    pthread_mutex_unlock(&old.mutex);
    end_old(&old);
}

#endif

/* ---- What is no wait, and no wake. ---- */

/* Thread "free" never waits for a lock. */
static void *lock_what_is_free(void *data)
{
    (void)data;
    pthread_setname_np(pthread_self(), "free");
    for (int k = 0; k < KINDS; k++) {
        bool is_answered =
            kinds[k].type == PTHREAD_MUTEX_RECURSIVE || kinds[k].type == PTHREAD_MUTEX_ERRORCHECK;
        pthread_mutex_t mutex;

        make_mutex(&mutex, &kinds[k]);
        for (int i = 0; i < 1000; i++) {
            require(lock_mutex(&mutex) == 0, "lock");
            if (is_answered && pthread_mutex_lock(&mutex) == 0)
                require(pthread_mutex_unlock(&mutex) == 0, "inner unlock");
            require(pthread_mutex_unlock(&mutex) == 0, "unlock");
        }
    }
    return NULL;
}

static pthread_mutex_t nested = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void *wait_for_nested(void *data)
{
    pthread_mutex_lock(&nested);
    pthread_mutex_unlock(&nested);
    return data;
}

/* Thread "nested" lets its waiter go once, with its last unlock of many. */
static void *unlock_by_and_by(void *data)
{
    pthread_t waiter;

    pthread_setname_np(pthread_self(), "nested");
    for (int i = 0; i < REPEATS; i++)
        pthread_mutex_lock(&nested);
    require(pthread_create(&waiter, NULL, wait_for_nested, NULL) == 0, "pthread_create");
    while (((volatile pthread_mutex_t *)&nested)->__data.__lock != 2)
        sleep_ms(1);
    sleep_ms(1);
    for (int i = 0; i < REPEATS; i++)
        pthread_mutex_unlock(&nested);
    pthread_join(waiter, NULL);
    return data;
}

#define MUTEX(n)                                                                                \
    {                                                                                           \
        .name = n, .op = "pthread_mutex_lock", .class = "sync", .run = run_mutex, .is_woken = 1 \
    }

static struct scenario scenarios[] = {
    MUTEX("normal"),
    MUTEX("recursive"),
    MUTEX("errorcheck"),
    MUTEX("adaptive"),
    MUTEX("robust"),
    MUTEX("robust-recursiv"),
    MUTEX("inherit"),
    MUTEX("robust-inherit"),
    MUTEX("protect"),
    MUTEX("protect-errorch"),
#ifdef __x86_64__
    {.name = "old-cond",
     .op = "pthread_cond_wait",
     .class = "sync",
     .run = run_old_signal,
     .is_woken = 1},
    {.name = "old-broadcast",
     .op = "pthread_cond_wait",
     .class = "sync",
     .run = run_old_broadcast,
     .is_woken = 1},
    {.name = "old-timed", .op = "pthread_cond_timedwait", .class = "sync", .run = run_old_timed},
#endif
};

int main(void)
{
    pthread_t threads[2];

    require(pthread_create(&threads[0], NULL, lock_what_is_free, NULL) == 0 &&
                pthread_create(&threads[1], NULL, unlock_by_and_by, NULL) == 0,
            "pthread_create");
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return run_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}
