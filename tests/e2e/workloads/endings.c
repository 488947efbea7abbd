/*
 * Programs that end in unusual ways. The first argument says how:
 *   exit N      with status N
 *   abandon     while one thread is blocked on a lock and another in a read
 *   killed      by SIGKILL, in the same state
 *   hang        stays in that state until somebody ends it
 *   signals     prints the signals that it gets, until SIGTERM
 *   flood N     waits N times in a read of one byte; prints the sum of the bytes
 *   gated N     floods when it gets a line on stdin, and ends when it gets another
 *   sleep MS    once, and prints how long it took in nanoseconds
 *   twice MS    sleeps so long twice, in one line
 *   joined      after it joined a thread, called "brief", that had ended by then
 *   threads N   starts N short-lived threads, four at a time, from each of four threads; no locks
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t never_unlocked = PTHREAD_MUTEX_INITIALIZER;
static int never_written[2];

static void *block_on_lock(void *unused)
{
    pthread_setname_np(pthread_self(), "on-lock");
    pthread_mutex_lock(&never_unlocked);
    return unused;
}

static void *block_in_read(void *unused)
{
    char byte;

    pthread_setname_np(pthread_self(), "in-read");
    if (read(never_written[0], &byte, 1) < 0)
        return NULL;
    return unused;
}

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&time, &time) < 0)
        ;
}

/* Two threads blocked for good; here for 200 ms already when this returns. */
static void block_two_threads(void)
{
    pthread_t thread;

    if (pipe(never_written) < 0)
        exit(99);
    pthread_mutex_lock(&never_unlocked);
    pthread_create(&thread, NULL, block_on_lock, NULL);
    pthread_create(&thread, NULL, block_in_read, NULL);
    sleep_ms(200);
}

static int end_abandoning(const char *unused)
{
    (void)unused;
    block_two_threads();
    return 0;
}

static int end_killed(const char *unused)
{
    (void)unused;
    block_two_threads();
    kill(getpid(), SIGKILL);
    return 0;
}

static int end_hanging(const char *unused)
{
    (void)unused;
    block_two_threads();
    puts("hanging");
    fflush(stdout);
    for (;;)
        pause();
    return 0;
}

static int end_by_signals(const char *unused)
{
    sigset_t signals;
    int number = 0;

    (void)unused;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    puts("ready");
    fflush(stdout);
    while (number != SIGTERM) {
        sigwait(&signals, &number);
        printf("%s\n", sigabbrev_np(number));
        fflush(stdout);
    }
    return 7;
}

struct flood {
    int to_reader[2];
    int to_writer[2];
    long count;
};

static void *answer_bytes(void *data)
{
    const struct flood *flood = data;
    char byte;

    for (long i = 0; i < flood->count; i++)
        if (read(flood->to_writer[0], &byte, 1) != 1 || write(flood->to_reader[1], "\1", 1) != 1)
            exit(99);
    return NULL;
}

static int end_after_flood(const char *count)
{
    struct flood flood = {.count = atol(count)};
    pthread_t thread;
    long sum = 0;

    if (pipe(flood.to_reader) < 0 || pipe(flood.to_writer) < 0)
        return 99;
    pthread_create(&thread, NULL, answer_bytes, &flood);
    for (long i = 0; i < flood.count; i++) {
        char byte;

        if (write(flood.to_writer[1], "\1", 1) != 1 || read(flood.to_reader[0], &byte, 1) != 1)
            return 99;
        sum += byte;
    }
    pthread_join(thread, NULL);
    printf("%ld\n", sum);
    return 0;
}

static int end_after_gated_flood(const char *count)
{
    char line[16];
    int status;

    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return 99;
    status = end_after_flood(count);
    fflush(stdout);
    return fgets(line, sizeof line, stdin) ? status : 99;
}

static int end_after_sleep(const char *ms)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    sleep_ms(atol(ms));
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%lld\n", (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec);
    return 0;
}

static int end_after_two_sleeps(const char *ms)
{
    sleep_ms(atol(ms)), sleep_ms(atol(ms)); /* two calls in one line */
    return 0;
}

static int end_with_status(const char *status)
{
    return atoi(status);
}

static void *live_briefly(void *unused)
{
    sched_yield();
    return unused;
}

static void *start_threads(void *count)
{
    pthread_t threads[4];

    for (long i = 0; i < *(long *)count / 16; i++) {
        for (int t = 0; t < 4; t++)
            if (pthread_create(&threads[t], NULL, live_briefly, NULL) != 0)
                exit(99);
        for (int t = 0; t < 4; t++)
            pthread_join(threads[t], NULL);
    }
    return NULL;
}

static int end_after_threads(const char *count)
{
    pthread_t starters[4];
    long threads = atol(count);

    for (int t = 0; t < 4; t++)
        if (pthread_create(&starters[t], NULL, start_threads, &threads) != 0)
            exit(99);
    for (int t = 0; t < 4; t++)
        pthread_join(starters[t], NULL);
    return 0;
}

static void *end_at_once(void *unused)
{
    pthread_setname_np(pthread_self(), "brief");
    return unused;
}

static int end_after_late_join(const char *unused)
{
    pthread_t thread;

    (void)unused;
    if (pthread_create(&thread, NULL, end_at_once, NULL) != 0)
        return 99;
    sleep_ms(100);
    return pthread_join(thread, NULL);
}

static const struct {
    const char *name;
    int (*run)(const char *argument);
} endings[] = {
    {"exit", end_with_status},        {"abandon", end_abandoning},
    {"killed", end_killed},           {"hang", end_hanging},
    {"signals", end_by_signals},      {"flood", end_after_flood},
    {"gated", end_after_gated_flood}, {"sleep", end_after_sleep},
    {"threads", end_after_threads},   {"twice", end_after_two_sleeps},
    {"joined", end_after_late_join},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (argc > 1 && !strcmp(argv[1], endings[i].name))
            return endings[i].run(argc > 2 ? argv[2] : "0");
    fprintf(stderr, "endings: say how to end\n");
    return 98;
}
