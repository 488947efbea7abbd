/* A thread on its way through a replay. Not for use outside of it. */
#ifndef CTRACE_PASSES_REPLAY_RUNNER_H
#define CTRACE_PASSES_REPLAY_RUNNER_H

#include "passes/replay.h"

enum ct_replay_state { CT_REPLAY_UNBORN, CT_REPLAY_READY, CT_REPLAY_BLOCKED, CT_REPLAY_DONE };

/* A wake that has come, or a thread that is to begin, in the old time and the new. */
struct ct_replay_arrival {
    uint64_t then_ns;
    int64_t now_ns;
};

/* A thread on its way. */
struct ct_replay_runner {
    struct ct_thread *thread; /* borrowed */
    enum ct_replay_state state;
    uint64_t then_ns;                  /* where it is: in the old time */
    int64_t now_ns;                    /* and in the new one */
    uint64_t end_ns;                   /* in the old */
    struct ct_store_cursor *intervals; /* owned; NULL: there are no more, as with the next */
    struct ct_store_cursor *wakes;
    struct ct_interval interval; /* that comes next; no thread: none */
    uint64_t wake_ns;            /* when it lets another go on next; UINT64_MAX: not any more */
    struct ct_store_id woken;
    struct ct_replay_event last;
    GArray *arrivals; /* owned; struct ct_replay_arrival: wakes that have come for it */
    GPtrArray
        *children; /* owned; struct ct_replay_runner *, borrowed: by their begin, the last first */
    struct ct_replay_runner
        *awaited;       /* borrowed; CT_REPLAY_BLOCKED: whose end it waits for; NULL: a wake */
    gboolean is_forced; /* what it waits for does not come */
};

/* At the later of the thread's begin and the window's. */
struct ct_replay_runner *ct_replay_runner_new(struct ct_store *store, struct ct_thread *thread,
                                              const struct ct_window *window);
void ct_replay_runner_free(void *runner);

/* By where they are; then by their threads. */
int ct_replay_compare_places(const void *a, const void *b, void *unused);

/* What comes next. */
void ct_replay_runner_read_interval(struct ct_replay_runner *runner, GError **error);
void ct_replay_runner_read_wake(struct ct_replay_runner *runner, GError **error);

/* Takes the wake of that time, and forgets those before. FALSE: it has not come. */
gboolean ct_replay_runner_take(struct ct_replay_runner *runner, uint64_t then_ns, int64_t *now_ns);

#endif
