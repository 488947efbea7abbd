/*
 * holders WHAT: the thread "keeper" holds a mutex, over and over, while "waiter-1" to "waiter-3"
 * want it. Meanwhile it does WHAT: computes  it runs reads     it waits for a byte that comes late
 *   nested    it waits for another mutex, whose holder sleeps
 *   starved   it could run, but another thread has its CPU
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOLD_NS    4000000
#define STARVED_NS 20000000

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inner = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int is_over;
static _Atomic int is_inner_held;
static _Atomic int is_hogged;
static int channel[2];

/* Else the compiler ends a function by a jump to the last that it calls. */
#define STAY_ON_STACK __asm__ volatile("")

static void pass(long time_ns)
{
    const struct timespec time = {.tv_nsec = time_ns};

    nanosleep(&time, NULL);
}

static long time_ns_of(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- What the keeper does, and who helps ---- */

static void compute(void)
{
    long end_ns = time_ns_of(CLOCK_THREAD_CPUTIME_ID) + HOLD_NS;

    while (time_ns_of(CLOCK_THREAD_CPUTIME_ID) < end_ns)
        ;
}

static void read_late(void)
{
    char byte;

    while (read(channel[0], &byte, 1) != 1)
        ;
}

static void *write_late(void *argument)
{
    while (!is_over) {
        pass(HOLD_NS);
        if (write(channel[1], "", 1) != 1)
            break;
    }
    return argument;
}

static void take_inner(void)
{
    while (!is_inner_held) /* else there would be nothing to wait for */
        pass(10000);
    pthread_mutex_lock(&inner);
    pthread_mutex_unlock(&inner);
}

static void *sleep_inside(void *argument)
{
    while (!is_over) {
        pthread_mutex_lock(&inner);
        is_inner_held = 1;
        pass(5 * HOLD_NS);
        is_inner_held = 0;
        pthread_mutex_unlock(&inner);
        pass(HOLD_NS / 4);
    }
    return argument;
}

/* The last CPU that there is: others are for the rest. */
static void go_to_one_cpu(void)
{
    cpu_set_t allowed, one;

    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof(allowed), &allowed);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && CPU_COUNT(&one) == 0; cpu--) {
        if (CPU_ISSET(cpu, &allowed))
            CPU_SET(cpu, &one);
    }
    sched_setaffinity(0, sizeof(one), &one);
}

/* In which it had no CPU. */
static long lost_ns(void)
{
    return time_ns_of(CLOCK_MONOTONIC) - time_ns_of(CLOCK_THREAD_CPUTIME_ID);
}

static void starve(void)
{
    const struct sched_param none = {0};
    static int is_prepared;

    if (!is_prepared) {
        go_to_one_cpu();
        sched_setscheduler(0, SCHED_IDLE, &none);
        is_prepared = 1;
    }
    while (!is_hogged)
        ;
    long begin_ns = lost_ns();

    while (lost_ns() - begin_ns < STARVED_NS)
        ;
}

static void *hog(void *argument)
{
    go_to_one_cpu();
    is_hogged = 1;
    while (!is_over)
        ;
    return argument;
}

static const struct {
    const char *name;
    void (*work)(void);
    void *(*help)(void *);
    int rounds;
} scenarios[] = {
    {"computes", compute, NULL, 40},
    {"reads", read_late, write_late, 40},
    {"nested", take_inner, sleep_inside, 15},
    {"starved", starve, hog, 2},
};

/* ---- The lock ---- */

static size_t chosen;

static __attribute__((noinline)) void keep_busy(void)
{
    pthread_mutex_lock(&outer);
    scenarios[chosen].work();
    pthread_mutex_unlock(&outer);
    STAY_ON_STACK;
}

static void *keep(void *argument)
{
    pthread_setname_np(pthread_self(), "keeper");
    for (int i = 0; i < scenarios[chosen].rounds; i++)
        keep_busy();
    is_over = 1;
    return argument;
}

static void *help(void *argument)
{
    pthread_setname_np(pthread_self(), "helper");
    return scenarios[chosen].help(argument);
}

static __attribute__((noinline)) void want(void)
{
    pthread_mutex_lock(&outer);
    pthread_mutex_unlock(&outer);
    STAY_ON_STACK;
}

static void *wait_in_line(void *argument)
{
    char name[16];

    snprintf(name, sizeof(name), "waiter-%d", *(int *)argument);
    pthread_setname_np(pthread_self(), name);
    while (!is_over) {
        want();
        pass(100000);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t keeper, helper, waiters[3];
    int numbers[] = {1, 2, 3};
    size_t known = sizeof(scenarios) / sizeof(scenarios[0]);

    while (chosen < known && (count != 2 || strcmp(arguments[1], scenarios[chosen].name) != 0))
        chosen++;
    if (chosen == known || pipe(channel) != 0) {
        fprintf(stderr, "holders: no such scenario\n");
        return 2;
    }
    if (scenarios[chosen].help)
        pthread_create(&helper, NULL, help, NULL);
    pthread_create(&keeper, NULL, keep, NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&waiters[i], NULL, wait_in_line, &numbers[i]);
    pthread_join(keeper, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(waiters[i], NULL);
    if (scenarios[chosen].help)
        pthread_join(helper, NULL);
    return 0;
}
