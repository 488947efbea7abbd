/*
 * Threads that hang, until a signal ends the program:
 *   hangs deadlock|philosophers|self|abandoned|lost|joiner|idle|convoy MS
 * In a convoy they do not: each gets the one lock in turn, and is killed in the middle. Nor do idle
 * ones: one of them waits for what comes from outside.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    } else if (strcmp(what, "joiner") == 0) {
        last = start(join, (uintptr_t)pthread_self());
    } else if (strcmp(what, "idle") == 0) {
        start(wait_for_news, 0);
        setitimer(ITIMER_REAL, &timer, NULL);
        pause();
    } else if (strcmp(what, "convoy") == 0) {
        for (int i = 0; i < PHILOSOPHERS; i++)
            last = start(take_turns, 0);
    } else {
        fputs("usage: hangs deadlock|philosophers|self|abandoned|lost|joiner|idle|convoy MS\n",
              stderr);
        return 2;
    }
    setitimer(ITIMER_REAL, &timer, NULL);
    pthread_join(last, NULL);
    return 0;
}
