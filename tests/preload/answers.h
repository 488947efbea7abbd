/* What the tables of lock_answers.c and sync_answers.c share: deadlines, threads, names. */
#ifndef CTRACE_TEST_ANSWERS_H
#define CTRACE_TEST_ANSWERS_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* That no kernel and no libc knows. */
#define NO_CLOCK 99

static const struct timespec far_future = {4000000000, 0};
static const struct timespec past = {1, 0};
static const struct timespec before_epoch = {-1, 0};
static const struct timespec bad_nsec = {4000000000, 1000000000};
static const struct timespec negative_nsec = {1, -1};

static inline void need(bool is_met, const char *what)
{
    if (!is_met) {
        perror(what);
        exit(1);
    }
}

static inline void nap(void)
{
    nanosleep(&(struct timespec){0, 50000}, NULL);
}

/* What a case came to, gathered in whatever thread finds it out. */
struct answer {
    char text[512];
    size_t used;
};

static inline __attribute__((format(printf, 2, 3))) void add(struct answer *answer,
                                                             const char *format, ...)
{
    va_list list;

    va_start(list, format);
    answer->used += (size_t)vsnprintf(answer->text + answer->used,
                                      sizeof(answer->text) - answer->used, format, list);
    va_end(list);
    need(answer->used < sizeof(answer->text), "an answer is too long");
}

static inline pthread_t start(void *(*routine)(void *), void *argument)
{
    pthread_t thread;

    need(pthread_create(&thread, NULL, routine, argument) == 0, "pthread_create");
    return thread;
}

static inline void run(void *(*routine)(void *), void *argument)
{
    pthread_join(start(routine, argument), NULL);
}

#endif
