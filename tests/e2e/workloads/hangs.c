/*
 * Threads that hang, until a signal ends the program:
 *   hangs
 * deadlock|philosophers|self|abandoned|lost|stranded|joiner|idle|convoy|processes|dead|copied MS In
 * a convoy they do not: each gets the one lock in turn, and is killed in the middle. Nor do idle
 * ones: one of them waits for what comes from outside. Processes wait for each other, or for one
 * that is dead, by locks that they share; in a copied one, the lock that a child waits for is its
 * own copy, which nobody has.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define PHILOSOPHERS 5

static pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t forks[PHILOSOPHERS];
static pthread_barrier_t all_there;

static void *transfer(void *unused)
{
    pthread_mutex_lock(&accounts);
    pthread_barrier_wait(&all_there);
    pthread_mutex_lock(&journal);
    return unused;
}

static void *audit(void *unused)
{
    pthread_mutex_lock(&journal);
    pthread_barrier_wait(&all_there);
    pthread_mutex_lock(&accounts);
    return unused;
}

static void *queue_up(void *unused)
{
    pthread_barrier_wait(&all_there);
    usleep(50000);
    pthread_mutex_lock(&journal);
    return unused;
}

static void *dine(void *seat)
{
    uintptr_t number = (uintptr_t)seat;

    pthread_mutex_lock(&forks[number]);
    pthread_barrier_wait(&all_there);
    pthread_mutex_lock(&forks[(number + 1) % PHILOSOPHERS]);
    return NULL;
}

static void *lock_twice(void *unused)
{
    pthread_mutex_lock(&accounts);
    pthread_mutex_lock(&accounts);
    return unused;
}

static void *leave_locked(void *unused)
{
    pthread_mutex_lock(&accounts);
    return unused;
}

static void *take_turns(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&accounts);
        usleep(2000);
        pthread_mutex_unlock(&accounts);
    }
    return unused;
}

/* Whether there is news is asked without the lock: they may come between the question and the
 * wait, and are then told to nobody. */
static volatile int has_news;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;

static void *wait_for_news(void *unused)
{
    if (!has_news) {
        usleep(100000);
        pthread_mutex_lock(&journal);
        pthread_cond_wait(&news, &journal);
        pthread_mutex_unlock(&journal);
    }
    return unused;
}

/* Nobody ever tells them. */
static void *wait_as(void *name)
{
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

    pthread_setname_np(pthread_self(), name);
    pthread_mutex_lock(&journal);
    pthread_cond_wait(&never, &journal);
    pthread_mutex_unlock(&journal);
    return NULL;
}

static void tell_news(void)
{
    pthread_mutex_lock(&journal);
    has_news = 1;
    pthread_cond_signal(&news);
    pthread_mutex_unlock(&journal);
}

static void *join(void *thread)
{
    pthread_join((pthread_t)thread, NULL);
    return NULL;
}

/* ---- Locks that processes share ---- */

struct shared {
    pthread_mutex_t accounts;
    pthread_mutex_t journal;
    pthread_barrier_t both_there;
};

static struct shared *share(void)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t mutex;
    pthread_barrierattr_t barrier;

    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->accounts, &mutex);
    pthread_mutex_init(&shared->journal, &mutex);
    pthread_barrierattr_init(&barrier);
    pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->both_there, &barrier, 2);
    return shared;
}

static void lock_in_turn(struct shared *shared, pthread_mutex_t *first, pthread_mutex_t *second)
{
    pthread_mutex_lock(first);
    pthread_barrier_wait(&shared->both_there);
    pthread_mutex_lock(second);
    __asm__ volatile(""); /* so that the call before is no jump, as the next two */
}

static __attribute__((noinline)) void export_all(struct shared *shared)
{
    lock_in_turn(shared, &shared->accounts, &shared->journal);
    __asm__ volatile("");
}

static __attribute__((noinline)) void import_all(struct shared *shared)
{
    lock_in_turn(shared, &shared->journal, &shared->accounts);
    __asm__ volatile("");
}

static void run_processes(const struct itimerval *timer, int is_dead)
{
    struct shared *shared = share();

    if (fork() == 0) {
        if (is_dead) {
            pthread_mutex_lock(&shared->journal);
            pthread_barrier_wait(&shared->both_there);
            raise(SIGKILL);
        }
        setitimer(ITIMER_REAL, timer, NULL);
        import_all(shared);
    }
    setitimer(ITIMER_REAL, timer, NULL);
    export_all(shared);
}

/* Its copy says that the parent's thread has it. */
static void run_copied(const struct itimerval *timer)
{
    pthread_mutex_lock(&accounts);
    if (fork() == 0) {
        setitimer(ITIMER_REAL, timer, NULL);
        pthread_mutex_lock(&accounts);
    }
    pthread_mutex_lock(&journal);
    setitimer(ITIMER_REAL, timer, NULL);
    pthread_mutex_lock(&journal);
}

static pthread_t start(void *(*run)(void *), uintptr_t argument)
{
    pthread_t thread;

    pthread_create(&thread, NULL, run, (void *)argument);
    return thread;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    int ms = argc > 2 ? atoi(argv[2]) : 0;
    const struct itimerval timer = {.it_value = {ms / 1000, ms % 1000 * 1000}};
    pthread_t last = pthread_self();

    pthread_barrier_init(&all_there, NULL, strcmp(what, "deadlock") == 0 ? 3 : PHILOSOPHERS);
    if (strcmp(what, "deadlock") == 0) {
        start(transfer, 0);
        start(audit, 0);
        last = start(queue_up, 0);
    } else if (strcmp(what, "philosophers") == 0) {
        for (uintptr_t i = 0; i < PHILOSOPHERS; i++)
            pthread_mutex_init(&forks[i], NULL);
        for (uintptr_t i = 0; i < PHILOSOPHERS; i++)
            last = start(dine, i);
    } else if (strcmp(what, "self") == 0) {
        last = start(lock_twice, 0);
    } else if (strcmp(what, "abandoned") == 0) {
        pthread_join(start(leave_locked, 0), NULL);
        last = start(lock_twice, 0);
    } else if (strcmp(what, "lost") == 0) {
        last = start(wait_for_news, 0);
        usleep(20000);
        tell_news();
    } else if (strcmp(what, "stranded") == 0) {
        start(wait_as, (uintptr_t) "reader");
        start(wait_as, (uintptr_t) "writer");
        last = start(wait_as, (uintptr_t) "flusher");
    } else if (strcmp(what, "joiner") == 0) {
        last = start(join, (uintptr_t)pthread_self());
    } else if (strcmp(what, "idle") == 0) {
        start(wait_for_news, 0);
        setitimer(ITIMER_REAL, &timer, NULL);
        pause();
    } else if (strcmp(what, "convoy") == 0) {
        for (int i = 0; i < PHILOSOPHERS; i++)
            last = start(take_turns, 0);
    } else if (strcmp(what, "processes") == 0 || strcmp(what, "dead") == 0) {
        run_processes(&timer, strcmp(what, "dead") == 0);
    } else if (strcmp(what, "copied") == 0) {
        run_copied(&timer);
    } else {
        fputs("usage: hangs deadlock|philosophers|self|abandoned|lost|stranded|joiner|idle|convoy|"
              "processes|dead|copied MS\n",
              stderr);
        return 2;
    }
    setitimer(ITIMER_REAL, &timer, NULL);
    pthread_join(last, NULL);
    return 0;
}
