/*
 * What the workloads of waits share. Each scenario runs in a thread of its own, named after it,
 * blocks REPEATS times in one call for about WAIT_MS each, and measures the call itself. The
 * answers are printed as JSON, and the trace is held against them:
 *   [{"name": ..., "tid": ..., "op": ..., "class": ..., "woken": ..., "count": ...,
 *     "total_ns": ..., "waits_ns": [...]}, ...]
 */
#ifndef CTRACE_TEST_SCENARIO_H
#define CTRACE_TEST_SCENARIO_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 8, WAIT_MS = 40 };

struct scenario {
    const char *name; /* at most 15 characters: it is the thread's name too */
    const char *op;
    const char *class;
    int is_woken; /* the trace tells who let it go */
    void (*run)(struct scenario *scenario);
    /* Where there is no `run`: REPEATS times, `wait` blocks until another thread does `act`. */
    void *(*begin)(void); /* makes the argument of both; NULL: there is none */
    int (*wait)(void *argument);
    void (*act)(void *argument); /* NULL: it ends by itself */
    pid_t tid;
    unsigned count;
    uint64_t total_ns;
    uint64_t waits_ns[64]; /* the first of them */
};

static inline void require(int is_true, const char *what)
{
    if (!is_true) {
        perror(what);
        exit(99);
    }
}

static inline uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static inline struct timespec realtime_in_ms(long ms)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += ms * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* The call under test, measured. */
#define MEASURED(scenario, call)                                               \
    do {                                                                       \
        uint64_t measured_begin_ns = now_ns();                                 \
        require(call, (scenario)->name);                                       \
        uint64_t measured_ns = now_ns() - measured_begin_ns;                   \
        (scenario)->total_ns += measured_ns;                                   \
        if ((scenario)->count < sizeof(scenario)->waits_ns / sizeof(uint64_t)) \
            (scenario)->waits_ns[(scenario)->count] = measured_ns;             \
        (scenario)->count++;                                                   \
    } while (0)

/* Runs `act(argument)` once in another thread, WAIT_MS from now. */
struct partner {
    pthread_t thread;
    void (*act)(void *argument);
    void *argument;
};

static inline void *partner_main(void *data)
{
    struct partner *partner = data;

    sleep_ms(WAIT_MS);
    partner->act(partner->argument);
    return NULL;
}

static inline void partner_start(struct partner *partner, void (*act)(void *), void *argument)
{
    *partner = (struct partner){.act = act, .argument = argument};
    require(pthread_create(&partner->thread, NULL, partner_main, partner) == 0, "pthread_create");
}

static inline void partner_end(struct partner *partner)
{
    pthread_join(partner->thread, NULL);
}

static inline void run_steps(struct scenario *scenario)
{
    void *argument = scenario->begin != NULL ? scenario->begin() : NULL;

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        if (scenario->act != NULL)
            partner_start(&partner, scenario->act, argument);
        MEASURED(scenario, scenario->wait(argument));
        if (scenario->act != NULL)
            partner_end(&partner);
    }
}

static inline void *scenario_main(void *data)
{
    struct scenario *scenario = data;

    pthread_setname_np(pthread_self(), scenario->name);
    scenario->tid = gettid();
    if (scenario->run != NULL)
        scenario->run(scenario);
    else
        run_steps(scenario);
    return NULL;
}

static inline void print_answers(const struct scenario *scenarios, int count)
{
    puts("[");
    for (int i = 0; i < count; i++) {
        const struct scenario *scenario = &scenarios[i];

        printf("{\"name\": \"%s\", \"tid\": %d, \"op\": \"%s\", \"class\": \"%s\", "
               "\"woken\": %d, \"count\": %u, \"total_ns\": %llu, \"waits_ns\": [",
               scenario->name, (int)scenario->tid, scenario->op, scenario->class,
               scenario->is_woken, scenario->count, (unsigned long long)scenario->total_ns);
        for (unsigned k = 0; k < scenario->count; k++)
            printf("%s%llu", k > 0 ? ", " : "", (unsigned long long)scenario->waits_ns[k]);
        printf("]}%s\n", i + 1 < count ? "," : "");
    }
    puts("]");
}

static inline int run_scenarios(struct scenario *scenarios, int count)
{
    pthread_t *threads = calloc((size_t)count, sizeof *threads);

    for (int i = 0; i < count; i++)
        require(pthread_create(&threads[i], NULL, scenario_main, &scenarios[i]) == 0,
                "pthread_create");
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    print_answers(scenarios, count);
    return 0;
}

#endif
