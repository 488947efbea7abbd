#include "busy.h"

#include "sessiond.h"

#include <errno.h>
#include <pthread.h>

/*
 * So long may a start take, far more than on a very busy machine. A daemon waits for ever for a
 * consumer that was killed as it started it (LTTng 2.13), and whoever asks that daemon for anything
 * with it.
 */
#define START_TIMEOUT_US (CT_BUSY_START_TIMEOUT_S * G_USEC_PER_SEC)

/* Then it is hung up on so often: giving up asks it for something, too. */
#define HANG_UP_INTERVAL_US (50 * 1000)

/* So long may the end take in good order. */
static const struct timespec good_order = {.tv_sec = 1};

struct ct_busy {
    struct ct_launch *launch; /* borrowed */
    void (*at_end)(void *user);
    void *user; /* borrowed */
    enum ct_busy_with with;
    gint64 deadline_us; /* of the start; 0: there is none */
    pthread_t thread;
};

/* Ends the thread; no signal that anybody else sends. */
static int stop_signal(void)
{
    return SIGRTMIN;
}

/* FALSE: the others have ended first, in good order. */
static gboolean await_end(struct ct_busy *busy, int number)
{
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, stop_signal());
    if (busy->with == CT_BUSY_STARTING)
        g_atomic_int_set(&busy->launch->ended_by, number);
    return busy->with == CT_BUSY_FINISHING || sigtimedwait(&stop, NULL, &good_order) < 0;
}

/* Nobody waits for the daemon's answers any more. */
static void give_up(struct ct_busy *busy)
{
    g_atomic_int_compare_and_exchange(&busy->launch->ended_by, 0, CT_ENDED_BY_TIME);
    ct_sessiond_hang_up();
    busy->deadline_us = g_get_monotonic_time() + HANG_UP_INTERVAL_US;
}

/* The next signal; -1 and errno EAGAIN if the start has taken too long. */
static int next_signal(const struct ct_busy *busy, const sigset_t *awaited, siginfo_t *info)
{
    if (busy->deadline_us == 0)
        return sigwaitinfo(awaited, info);
    gint64 left_us = MAX(busy->deadline_us - g_get_monotonic_time(), 0);
    const struct timespec left = {.tv_sec = left_us / G_USEC_PER_SEC,
                                  .tv_nsec = left_us % G_USEC_PER_SEC * 1000};
    return sigtimedwait(awaited, info, &left);
}

static void *take_signals(void *data)
{
    struct ct_busy *busy = data;
    sigset_t awaited;
    siginfo_t info;
    int number;

    ct_launch_signals(busy->launch, busy->with == CT_BUSY_STARTING, &awaited);
    sigaddset(&awaited, stop_signal());
    while ((number = next_signal(busy, &awaited, &info)) != stop_signal()) {
        if (number < 0 && errno == EAGAIN)
            give_up(busy);
        if (number < 0 || !ct_launch_handle_signal(busy->launch, &info))
            continue;
        if (!await_end(busy, number))
            break;
        busy->at_end(busy->user);
        ct_end_by_signal(number);
    }
    return NULL;
}

struct ct_busy *ct_busy_begin(enum ct_busy_with with, struct ct_launch *launch,
                              void (*at_end)(void *user), void *user)
{
    struct ct_busy *busy = g_new0(struct ct_busy, 1);
    sigset_t stop;

    busy->launch = launch;
    busy->at_end = at_end;
    busy->user = user;
    busy->with = with;
    if (with == CT_BUSY_STARTING)
        busy->deadline_us = g_get_monotonic_time() + START_TIMEOUT_US;
    sigemptyset(&stop);
    sigaddset(&stop, stop_signal());
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (pthread_create(&busy->thread, NULL, take_signals, busy) == 0)
        return busy;
    g_free(busy);
    return NULL;
}

void ct_busy_end(struct ct_busy *busy)
{
    if (busy == NULL)
        return;
    pthread_kill(busy->thread, stop_signal());
    pthread_join(busy->thread, NULL);
    g_free(busy);
}
