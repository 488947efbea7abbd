/*
 * What read-write locks, semaphores, conditions, barriers, spin locks and joins answer to good and
 * bad clocks and deadlines, in every state: run alone and recorded, it prints the same.
 */
#include "answers.h"

#include <limits.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                   NO_CLOCK};

/* The headers let no compiler pass on NULL where it can see it. */
static const struct timespec *volatile no_deadline = NULL;

static const struct deadline {
    const char *name;
    const struct timespec *time;
} deadlines[] = {
    {"past", &past},         {"future", &far_future},           {"before epoch", &before_epoch},
    {"bad nsec", &bad_nsec}, {"negative nsec", &negative_nsec}, {"none", NULL},
};

static bool is_valid(clockid_t clock, const struct timespec *time)
{
    return time == NULL || ((clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC) &&
                            time->tv_nsec >= 0 && time->tv_nsec < 1000000000);
}

/* It ends only when somebody lets it go. */
static bool is_patient(clockid_t clock, const struct timespec *time)
{
    return is_valid(clock, time) && (time == NULL || time == &far_future);
}

/* ---- Read-write locks. ---- */

enum rwlock_state { FREE, READ_BY_ME, READ_BY_OTHER, WRITTEN_BY_ME, WRITTEN_BY_OTHER, STATES };

struct rwlock_test {
    int preference;
    int sharing;
    enum rwlock_state state;
    bool writes;
    bool is_timed;
    bool is_clocked;
    clockid_t clock;
    const struct deadline *deadline;
    pthread_rwlock_t lock;
    struct answer answer;
    int32_t actor;
    atomic_bool is_held, is_over;
};

static int lock_rwlock(struct rwlock_test *test)
{
    const struct timespec *time = test->deadline->time != NULL ? test->deadline->time : no_deadline;

    if (!test->is_timed)
        return test->writes ? pthread_rwlock_wrlock(&test->lock)
                            : pthread_rwlock_rdlock(&test->lock);
    if (!test->is_clocked)
        return test->writes ? pthread_rwlock_timedwrlock(&test->lock, time)
                            : pthread_rwlock_timedrdlock(&test->lock, time);
    return test->writes ? pthread_rwlock_clockwrlock(&test->lock, test->clock, time)
                        : pthread_rwlock_clockrdlock(&test->lock, test->clock, time);
}

static void *hold_rwlock(void *argument)
{
    struct rwlock_test *test = argument;

    if (test->state == READ_BY_OTHER)
        pthread_rwlock_rdlock(&test->lock);
    else
        pthread_rwlock_wrlock(&test->lock);
    atomic_store(&test->is_held, true);
    while (!atomic_load(&test->is_over))
        nap();
    pthread_rwlock_unlock(&test->lock);
    return NULL;
}

static void *use_rwlock(void *argument)
{
    struct rwlock_test *test = argument;

    test->actor = (int32_t)syscall(SYS_gettid);
    if (test->state == READ_BY_ME)
        pthread_rwlock_rdlock(&test->lock);
    if (test->state == WRITTEN_BY_ME)
        pthread_rwlock_wrlock(&test->lock);
    errno = 77;
    int result = lock_rwlock(test);
    add(&test->answer, " -> %d errno %d readers %#x writers %u writer %s", result, errno,
        test->lock.__data.__readers, test->lock.__data.__writers,
        test->lock.__data.__cur_writer == 0             ? "none"
        : test->lock.__data.__cur_writer == test->actor ? "me"
                                                        : "other");
    if (result == 0)
        add(&test->answer, " unlock %d", pthread_rwlock_unlock(&test->lock));
    if (test->state == READ_BY_ME || test->state == WRITTEN_BY_ME)
        add(&test->answer, " unlock %d", pthread_rwlock_unlock(&test->lock));
    return NULL;
}

/* Whether it gets the lock at once, or an error. */
static bool is_answered(const struct rwlock_test *test)
{
    if (test->is_timed && !is_patient(test->clock, test->deadline->time))
        return true;
    return test->state == FREE || test->state == WRITTEN_BY_ME ||
           (!test->writes && test->state != WRITTEN_BY_OTHER);
}

static void run_rwlock(struct rwlock_test test)
{
    bool has_other = test.state == READ_BY_OTHER || test.state == WRITTEN_BY_OTHER;
    pthread_rwlockattr_t attributes;
    pthread_t other;

    if (!is_answered(&test))
        return;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, test.preference);
    pthread_rwlockattr_setpshared(&attributes, test.sharing);
    pthread_rwlock_init(&test.lock, &attributes);
    if (has_other)
        other = start(hold_rwlock, &test);
    while (has_other && !atomic_load(&test.is_held))
        nap();
    run(use_rwlock, &test);
    atomic_store(&test.is_over, true);
    if (has_other)
        pthread_join(other, NULL);
    printf("rwlock preference %d, shared %d, state %d, writes %d, timed %d, clock %d, %s:%s; then "
           "%#x\n",
           test.preference, test.sharing, test.state, test.writes, test.is_timed,
           test.is_clocked ? test.clock : -1, test.deadline->name, test.answer.text,
           test.lock.__data.__readers);
}

static void run_rwlocks(void)
{
    for (int i = 0; i < 3 * 2 * 2 * STATES; i++) {
        struct rwlock_test test = {.preference = i % 3,
                                   .sharing = i / 3 & 1,
                                   .writes = i / 6 & 1,
                                   .state = (enum rwlock_state)(i / 12),
                                   .clock = CLOCK_REALTIME,
                                   .deadline = &deadlines[0]};
        run_rwlock(test);
        test.is_timed = true;
        for (size_t d = 0; d < COUNT(deadlines); d++) {
            test.deadline = &deadlines[d];
            test.is_clocked = false;
            test.clock = CLOCK_REALTIME;
            run_rwlock(test);
            test.is_clocked = true;
            for (size_t c = 0; c < COUNT(clocks); c++) {
                test.clock = clocks[c];
                run_rwlock(test);
            }
        }
    }
}

/* One that prefers writers makes a reader stand behind a writer that waits. */
struct queue {
    pthread_rwlock_t lock;
    atomic_int order;
    int writer_was, reader_was;
};

static void *write_in_queue(void *argument)
{
    struct queue *queue = argument;

    pthread_rwlock_wrlock(&queue->lock);
    queue->writer_was = atomic_fetch_add(&queue->order, 1);
    pthread_rwlock_unlock(&queue->lock);
    return NULL;
}

static void *read_in_queue(void *argument)
{
    struct queue *queue = argument;

    pthread_rwlock_rdlock(&queue->lock);
    queue->reader_was = atomic_fetch_add(&queue->order, 1);
    pthread_rwlock_unlock(&queue->lock);
    return NULL;
}

static void run_queue(int preference)
{
    struct queue queue = {.order = 0};
    pthread_rwlockattr_t attributes;
    pthread_t writer, reader;

    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, preference);
    pthread_rwlock_init(&queue.lock, &attributes);
    pthread_rwlock_rdlock(&queue.lock);
    writer = start(write_in_queue, &queue);
    while ((((volatile pthread_rwlock_t *)&queue.lock)->__data.__readers & 2) == 0)
        nap(); /* it is not the writer's turn yet */
    reader = start(read_in_queue, &queue);
    if (preference == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
        while ((((volatile pthread_rwlock_t *)&queue.lock)->__data.__readers & 4) == 0)
            nap();
    else
        pthread_join(reader, NULL);
    pthread_rwlock_unlock(&queue.lock);
    if (preference == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
        pthread_join(reader, NULL);
    pthread_join(writer, NULL);
    printf("queue, preference %d: reader %s writer\n", preference,
           queue.reader_was < queue.writer_was ? "before" : "after");
}

/* ---- Semaphores. ---- */

struct semaphore_test {
    sem_t semaphore;
    int way; /* -1: sem_wait, -2: sem_timedwait, else a clock's place */
    const struct deadline *deadline;
    bool is_cancelled;
    struct answer answer;
};

static void *use_semaphore(void *argument)
{
    struct semaphore_test *test = argument;
    int result;

    if (test->is_cancelled)
        pthread_cancel(pthread_self());
    errno = 77;
    if (test->way == -1)
        result = sem_wait(&test->semaphore);
    else if (test->way == -2)
        result = sem_timedwait(&test->semaphore, test->deadline->time);
    else
        result = sem_clockwait(&test->semaphore, clocks[test->way], test->deadline->time);
    add(&test->answer, " %d errno %d", result, errno);
    return NULL;
}

static void run_semaphore(unsigned value, int way, const struct deadline *deadline,
                          bool is_cancelled)
{
    struct semaphore_test test = {.way = way, .deadline = deadline, .is_cancelled = is_cancelled};
    clockid_t clock = way < 0 ? CLOCK_REALTIME : clocks[way];
    void *result;
    int after;

    /* These would wait for ever, or look at a deadline that is not there. */
    if (value == 0 && !is_cancelled && (way == -1 || is_patient(clock, deadline->time)))
        return;
    if (way != -1 && deadline->time == NULL)
        return;
    sem_init(&test.semaphore, 0, value);
    pthread_join(start(use_semaphore, &test), &result);
    sem_getvalue(&test.semaphore, &after);
    printf("semaphore %u, way %d, %s, cancelled %d:%s%s, then %d\n", value, way, deadline->name,
           is_cancelled, test.answer.text, result == PTHREAD_CANCELED ? " cancelled" : "", after);
}

static void run_semaphores(void)
{
    sem_t full;

    for (unsigned value = 0; value < 2; value++)
        for (int way = -2; way < (int)COUNT(clocks); way++)
            for (size_t d = 0; d < COUNT(deadlines); d++)
                for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++)
                    run_semaphore(value, way, &deadlines[d], is_cancelled);
    sem_init(&full, 0, SEM_VALUE_MAX);
    errno = 77;
    int result = sem_post(&full);
    printf("full semaphore: %d errno %d\n", result, errno);
}

/* ---- Conditions. ---- */

struct condition_test {
    pthread_cond_t condition;
    pthread_mutex_t mutex;
    bool is_mine;
    int way; /* as for semaphores; 0 is pthread_cond_wait, which nobody would end */
    const struct deadline *deadline;
    struct answer answer;
};

static void *use_condition(void *argument)
{
    struct condition_test *test = argument;
    int result;

    if (test->is_mine)
        pthread_mutex_lock(&test->mutex);
    errno = 77;
    if (test->way == -1)
        result = pthread_cond_wait(&test->condition, &test->mutex);
    else if (test->way == -2)
        result = pthread_cond_timedwait(&test->condition, &test->mutex, test->deadline->time);
    else
        result = pthread_cond_clockwait(&test->condition, &test->mutex, clocks[test->way],
                                        test->deadline->time);
    add(&test->answer, " %d errno %d, mutex taken %d count %u", result, errno,
        test->mutex.__data.__lock != 0, test->mutex.__data.__count);
    add(&test->answer, ", unlock %d", pthread_mutex_unlock(&test->mutex));
    return NULL;
}

static void run_condition(int type, bool is_mine, int way, const struct deadline *deadline)
{
    struct condition_test test = {.is_mine = is_mine, .way = way, .deadline = deadline};
    pthread_mutexattr_t attributes;
    clockid_t clock = way < 0 ? CLOCK_REALTIME : clocks[way];
    bool is_refused = !is_mine && type == PTHREAD_MUTEX_ERRORCHECK;

    if (!is_refused && (!is_mine || way == -1 || is_patient(clock, deadline->time)))
        return;
    if (way != -1 && deadline->time == NULL)
        return;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_init(&test.mutex, &attributes);
    pthread_cond_init(&test.condition, NULL);
    run(use_condition, &test);
    printf("condition, type %d, mine %d, way %d, %s:%s\n", type, is_mine, way, deadline->name,
           test.answer.text);
}

static void run_conditions(void)
{
    for (int type = PTHREAD_MUTEX_NORMAL; type <= PTHREAD_MUTEX_ADAPTIVE_NP; type++)
        for (int is_mine = 0; is_mine < 2; is_mine++)
            for (int way = -2; way < (int)COUNT(clocks); way++)
                for (size_t d = 0; d < COUNT(deadlines); d++)
                    run_condition(type, is_mine, way, &deadlines[d]);
}

/* ---- Barriers, spin locks, joins. ---- */

#define PARTIES 3

static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static atomic_int serial;
static int counter;

static void *meet(void *argument)
{
    for (int i = 0; i < 100; i++) {
        if (pthread_barrier_wait(&barrier) != 0)
            atomic_fetch_add(&serial, 1);
        pthread_spin_lock(&spin);
        counter++;
        pthread_spin_unlock(&spin);
    }
    return argument;
}

static void run_meetings(void)
{
    pthread_t threads[PARTIES];

    pthread_barrier_init(&barrier, NULL, PARTIES);
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    for (int i = 0; i < PARTIES; i++)
        threads[i] = start(meet, NULL);
    for (int i = 0; i < PARTIES; i++)
        pthread_join(threads[i], NULL);
    printf("barrier: %d serial threads; spin lock: %d\n", serial, counter);
}

static void *wait_for_end(void *argument)
{
    while (!atomic_load((atomic_bool *)argument))
        nap();
    return NULL;
}

static void run_joins(void)
{
    static atomic_bool is_over;
    pthread_t thread = start(wait_for_end, &is_over);

    printf("join of itself %d\n", pthread_join(pthread_self(), NULL));
    for (size_t d = 0; d < COUNT(deadlines); d++) {
        /* glibc goes round in a circle where the nanoseconds are bad. */
        if (!is_valid(CLOCK_REALTIME, deadlines[d].time) || deadlines[d].time == NULL)
            continue;
        if (!is_patient(CLOCK_REALTIME, deadlines[d].time))
            printf("timed join, %s: %d\n", deadlines[d].name,
                   pthread_timedjoin_np(thread, NULL, deadlines[d].time));
        for (size_t c = 0; c < COUNT(clocks); c++)
            if (!is_patient(clocks[c], deadlines[d].time))
                printf("join, clock %d, %s: %d\n", clocks[c], deadlines[d].name,
                       pthread_clockjoin_np(thread, NULL, clocks[c], deadlines[d].time));
    }
    atomic_store(&is_over, true);
    printf("join %d\n", pthread_join(thread, NULL));
}

int main(void)
{
    alarm(60); /* where a hook makes it hang */
    run_rwlocks();
    for (int preference = 0; preference < 3; preference++)
        run_queue(preference);
    run_semaphores();
    run_conditions();
    run_meetings();
    run_joins();
    return 0;
}
