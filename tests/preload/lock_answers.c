/*
 * What every kind of mutex answers to every way to lock it, in every state: run alone and recorded,
 * it prints the same. Deadlines that must wait are far away or long past, so that it is the same on
 * a busy machine, too.
 */
#include "answers.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

struct kind {
    int type;
    int robustness;
    int protocol;
    int sharing;
};

/* ---- Ways to lock. ---- */

static int lock(pthread_mutex_t *mutex)
{
    return pthread_mutex_lock(mutex);
}

#define TIMED(name, deadline)                               \
    static int name(pthread_mutex_t *mutex)                 \
    {                                                       \
        return pthread_mutex_timedlock(mutex, &(deadline)); \
    }
#define CLOCKED(name, clock, deadline)                             \
    static int name(pthread_mutex_t *mutex)                        \
    {                                                              \
        return pthread_mutex_clocklock(mutex, clock, &(deadline)); \
    }

TIMED(timed_future, far_future)
TIMED(timed_past, past)
TIMED(timed_before_epoch, before_epoch)
TIMED(timed_bad_nsec, bad_nsec)
TIMED(timed_negative_nsec, negative_nsec)
CLOCKED(real_future, CLOCK_REALTIME, far_future)
CLOCKED(monotonic_future, CLOCK_MONOTONIC, far_future)
CLOCKED(monotonic_past, CLOCK_MONOTONIC, past)
CLOCKED(monotonic_bad_nsec, CLOCK_MONOTONIC, bad_nsec)
CLOCKED(cpu_time_future, CLOCK_PROCESS_CPUTIME_ID, far_future)
CLOCKED(no_clock_future, NO_CLOCK, far_future)
CLOCKED(no_clock_bad_nsec, NO_CLOCK, bad_nsec)

static int c11_lock(pthread_mutex_t *mutex)
{
    return mtx_lock((mtx_t *)mutex);
}

static int c11_timed_past(pthread_mutex_t *mutex)
{
    return mtx_timedlock((mtx_t *)mutex, &past);
}

static int c11_timed_bad_nsec(pthread_mutex_t *mutex)
{
    return mtx_timedlock((mtx_t *)mutex, &bad_nsec);
}

#define WAY(name, waits)   \
    {                      \
#name, name, waits \
    }

static const struct way {
    const char *name;
    int (*lock)(pthread_mutex_t *mutex);
    bool waits; /* for as long as it takes */
} ways[] = {
    WAY(lock, true),
    WAY(timed_future, true),
    WAY(timed_past, false),
    WAY(timed_before_epoch, false),
    WAY(timed_bad_nsec, false),
    WAY(timed_negative_nsec, false),
    WAY(real_future, true),
    WAY(monotonic_future, true),
    WAY(monotonic_past, false),
    WAY(monotonic_bad_nsec, false),
    WAY(cpu_time_future, false),
    WAY(no_clock_future, false),
    WAY(no_clock_bad_nsec, false),
    WAY(c11_lock, true),
    WAY(c11_timed_past, false),
    WAY(c11_timed_bad_nsec, false),
};

/* ---- States. ---- */

enum state { FREE, MINE, OTHERS, ORPHANED, LOST, DESTROYED, STATES };

static const char *const state_names[STATES] = {"free",     "mine", "others",
                                                "orphaned", "lost", "destroyed"};

struct test {
    struct kind kind;
    const struct way *way;
    enum state state;
    int priority; /* of who locks; 0: an ordinary thread */
    pthread_mutex_t *mutex;
    struct answer answer;
    int32_t actor, other;
    int others_unlock;
    atomic_bool is_held, is_over;
};

static bool is_robust(const struct kind *kind)
{
    return kind->robustness == PTHREAD_MUTEX_ROBUST;
}

/* One with a priority ceiling refuses an ordinary thread once. */
static void lock_somehow(pthread_mutex_t *mutex)
{
    if (pthread_mutex_lock(mutex) == EINVAL)
        pthread_mutex_lock(mutex);
}

static const char *name_of(const struct test *test, int32_t tid)
{
    if (tid == 0)
        return "nobody";
    return tid == test->actor ? "actor" : tid == test->other ? "other" : NULL;
}

static void show_state(struct test *test)
{
    const volatile pthread_mutex_t *mutex = test->mutex;
    unsigned word = (unsigned)mutex->__data.__lock;
    int owner = mutex->__data.__owner;
    const char *owner_name = name_of(test, owner);
    const char *word_name = name_of(test, (int32_t)(word & FUTEX_TID_MASK));

    add(&test->answer, " [kind %d", mutex->__data.__kind);
    if (word_name != NULL)
        add(&test->answer, " word %s %#x", word_name, word & ~FUTEX_TID_MASK);
    else
        add(&test->answer, " word %#x", word);
    if (owner_name != NULL)
        add(&test->answer, " owner %s", owner_name);
    else
        add(&test->answer, " owner %d", owner);
    add(&test->answer, " count %u users %u]", mutex->__data.__count, mutex->__data.__nusers);
}

static bool has_waiter(const volatile pthread_mutex_t *mutex, const struct kind *kind)
{
    unsigned word = (unsigned)mutex->__data.__lock;

    if (is_robust(kind) || kind->protocol == PTHREAD_PRIO_INHERIT)
        return (word & FUTEX_WAITERS) != 0;
    return (word & 3) == 2;
}

/* Holds it until somebody waits, or until the test is over; or to its death. */
static void *be_other(void *argument)
{
    struct test *test = argument;

    test->other = (int32_t)syscall(SYS_gettid);
    lock_somehow(test->mutex);
    atomic_store(&test->is_held, true);
    if (test->state != OTHERS)
        return NULL;
    while (!atomic_load(&test->is_over) &&
           !(test->way->waits && has_waiter(test->mutex, &test->kind)))
        nap();
    test->others_unlock = pthread_mutex_unlock(test->mutex);
    return NULL;
}

static void *lose(void *argument)
{
    struct test *test = argument;

    add(&test->answer, " lost: %d", pthread_mutex_lock(test->mutex));
    add(&test->answer, " %d", pthread_mutex_unlock(test->mutex));
    return NULL;
}

/* Can somebody else have it? */
static void *probe(void *argument)
{
    struct test *test = argument;
    int result = pthread_mutex_timedlock(test->mutex, &past);

    add(&test->answer, " probe %d", result);
    if (result == 0 || result == EOWNERDEAD)
        add(&test->answer, " %d", pthread_mutex_unlock(test->mutex));
    return NULL;
}

/* ---- A case. ---- */

static void *act(void *argument)
{
    struct test *test = argument;
    int saved = 77;

    test->actor = (int32_t)syscall(SYS_gettid);
    if (test->state == MINE)
        lock_somehow(test->mutex);
    for (int i = 0; i < 2; i++) { /* the first may change what the second gives */
        if (i == 1 && test->state == MINE && test->kind.protocol == PTHREAD_PRIO_PROTECT)
            break;
        errno = saved;
        int result = test->way->lock(test->mutex);
        add(&test->answer, " -> %d", result);
        if (errno != saved)
            add(&test->answer, " errno %d", errno);
        show_state(test);
        if (i == 1 || result != EINVAL)
            break;
    }
    if (test->state == MINE && test->mutex->__data.__count > 1)
        add(&test->answer, " inner unlock %d", pthread_mutex_unlock(test->mutex));
    if (test->mutex->__data.__owner == test->actor ||
        (test->mutex->__data.__lock & (int)FUTEX_TID_MASK) == test->actor)
        add(&test->answer, " unlock %d", pthread_mutex_unlock(test->mutex));
    show_state(test);
    return NULL;
}

/* With no end, or beyond the libc: a thread that waits for itself, or for one that is dead. */
static bool is_endless(const struct test *test)
{
    bool is_answered =
        test->kind.type == PTHREAD_MUTEX_RECURSIVE || test->kind.type == PTHREAD_MUTEX_ERRORCHECK;

    return test->way->waits && ((test->state == MINE && !is_answered) ||
                                (test->state == ORPHANED && !is_robust(&test->kind)));
}

static bool make(struct test *test)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, test->kind.type);
    pthread_mutexattr_setrobust(&attributes, test->kind.robustness);
    pthread_mutexattr_setprotocol(&attributes, test->kind.protocol);
    pthread_mutexattr_setpshared(&attributes, test->kind.sharing);
    test->mutex = calloc(1, sizeof(*test->mutex)); /* not freed: it may be on a robust list */
    need(test->mutex != NULL, "calloc");
    return pthread_mutex_init(test->mutex, &attributes) == 0;
}

/* False if this user may not have such a thread. */
static bool run_actor(struct test *test)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    if (test->priority != 0) {
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
        pthread_attr_setschedparam(&attributes,
                                   &(struct sched_param){.sched_priority = test->priority});
    }
    if (pthread_create(&thread, &attributes, act, test) != 0)
        return false;
    pthread_join(thread, NULL);
    return true;
}

static void run_test(struct test *test)
{
    pthread_t other;
    bool has_other = false;

    if (is_endless(test) || (test->state == LOST && !is_robust(&test->kind)) || !make(test))
        return;
    if (test->state == ORPHANED || test->state == LOST)
        run(be_other, test);
    if (test->state == LOST)
        run(lose, test);
    if (test->state == DESTROYED)
        pthread_mutex_destroy(test->mutex);
    if (test->state == OTHERS) {
        has_other = true;
        other = start(be_other, test);
        while (!atomic_load(&test->is_held))
            nap();
    }
    bool is_run = run_actor(test);
    atomic_store(&test->is_over, true);
    if (has_other) {
        pthread_join(other, NULL);
        add(&test->answer, " other's unlock %d", test->others_unlock);
    }
    if (test->state != DESTROYED)
        run(probe, test);
    if (is_run)
        printf("type %d robust %d protocol %d shared %d, %s, priority %d: %s:%s\n", test->kind.type,
               test->kind.robustness, test->kind.protocol, test->kind.sharing,
               state_names[test->state], test->priority, test->way->name, test->answer.text);
}

static void run_states(const struct kind *kind, const struct way *way, int priority)
{
    for (int state = 0; state < STATES; state++) {
        struct test test = {.kind = *kind, .way = way, .state = state, .priority = priority};
        run_test(&test);
    }
}

/* ---- Waiters of a mutex whose owner dies. ---- */

/* glibc itself forgets a third one where the mutex is lost. */
#define WAITERS 2

struct heirs {
    pthread_mutex_t mutex;
    bool makes_consistent;
    atomic_int asked;
    atomic_int answers[256];
};

static void *inherit(void *argument)
{
    struct heirs *heirs = argument;

    atomic_fetch_add(&heirs->asked, 1);
    int result = pthread_mutex_lock(&heirs->mutex);
    atomic_fetch_add(&heirs->answers[result], 1);
    if (result == EOWNERDEAD && heirs->makes_consistent)
        pthread_mutex_consistent(&heirs->mutex);
    if (result == 0 || result == EOWNERDEAD)
        pthread_mutex_unlock(&heirs->mutex);
    return NULL;
}

static void *die(void *argument)
{
    struct heirs *heirs = argument;

    pthread_mutex_lock(&heirs->mutex);
    atomic_store(&heirs->asked, 0);
    while (atomic_load(&heirs->asked) < WAITERS)
        nap();
    nap();
    return NULL;
}

static void run_heirs(int protocol, bool makes_consistent)
{
    static struct heirs heirs[2][2]; /* they stay: on robust lists */
    struct heirs *mine = &heirs[protocol == PTHREAD_PRIO_INHERIT][makes_consistent];
    pthread_mutexattr_t attributes;
    pthread_t owner, waiters[WAITERS];

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    need(pthread_mutex_init(&mine->mutex, &attributes) == 0, "pthread_mutex_init");
    mine->makes_consistent = makes_consistent;
    mine->asked = -1;
    owner = start(die, mine);
    while (atomic_load(&mine->asked) != 0)
        nap();
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = start(inherit, mine);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(waiters[i], NULL);
    pthread_join(owner, NULL);
    printf("heirs, protocol %d, consistent %d: %d got it, %d found its owner dead, %d lost it\n",
           protocol, makes_consistent, mine->answers[0], mine->answers[EOWNERDEAD],
           mine->answers[ENOTRECOVERABLE]);
}

int main(void)
{
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
                                PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
    static const int protocols[] = {PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT, PTHREAD_PRIO_PROTECT};

    alarm(60); /* where a hook makes it hang */
    for (size_t i = 0; i < COUNT(types) * COUNT(protocols) * 4; i++) {
        struct kind kind = {types[i / 4 % COUNT(types)], i & 1, protocols[i / 4 / COUNT(types)],
                            i >> 1 & 1};
        for (size_t w = 0; w < COUNT(ways); w++)
            for (int priority = 0; priority <= 2; priority++)
                if (priority == 0 || kind.protocol == PTHREAD_PRIO_PROTECT)
                    run_states(&kind, &ways[w], priority);
    }
    for (int i = 0; i < 4; i++)
        run_heirs(i & 1 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE, i >> 1);
    return 0;
}
