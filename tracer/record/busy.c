#include "busy.h"

#include <pthread.h>

/* So long may the end take in good order. */
static const struct timespec good_order = {.tv_sec = 1};

struct ct_busy {
    struct ct_launch *launch; /* borrowed */
    void (*at_end)(void *user);
    void *user; /* borrowed */
    enum ct_busy_with with;
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

static void *take_signals(void *data)
{
    struct ct_busy *busy = data;
    sigset_t awaited;
    siginfo_t info;
    int number;

    ct_launch_signals(busy->launch, busy->with == CT_BUSY_STARTING, &awaited);
    sigaddset(&awaited, stop_signal());
    while ((number = sigwaitinfo(&awaited, &info)) != stop_signal()) {
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
