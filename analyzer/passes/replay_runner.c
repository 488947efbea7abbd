#include "passes/replay_runner.h"

struct ct_replay_runner *ct_replay_runner_new(struct ct_store *store, struct ct_thread *thread,
                                              const struct ct_window *window)
{
    struct ct_replay_runner *runner = g_new0(struct ct_replay_runner, 1);

    runner->thread = thread;
    runner->then_ns = MAX(thread->start_ns, window->begin_ns);
    runner->now_ns = (int64_t)runner->then_ns;
    runner->end_ns = MIN(thread->end_ns, window->end_ns);
    runner->intervals = ct_store_intervals(store, thread, window);
    runner->wakes = ct_store_wakes(store, thread, window);
    runner->arrivals = g_array_new(FALSE, FALSE, sizeof(struct ct_replay_arrival));
    runner->children = g_ptr_array_new();
    return runner;
}

void ct_replay_runner_free(void *data)
{
    struct ct_replay_runner *runner = data;

    if (!runner)
        return;
    ct_store_cursor_free(runner->intervals);
    ct_store_cursor_free(runner->wakes);
    g_array_unref(runner->arrivals);
    g_ptr_array_unref(runner->children);
    g_free(runner);
}

int ct_replay_compare_places(const void *a, const void *b, void *unused)
{
    const struct ct_replay_runner *first = a, *second = b;

    (void)unused;
    if (first->then_ns != second->then_ns)
        return first->then_ns < second->then_ns ? -1 : 1;
    return first->thread->number < second->thread->number
               ? -1
               : first->thread->number > second->thread->number;
}

void ct_replay_runner_read_interval(struct ct_replay_runner *runner, GError **error)
{
    struct ct_store_event event;

    runner->interval.thread = NULL;
    if (!runner->intervals)
        return;
    if (ct_store_cursor_next(runner->intervals, &event, error)) {
        runner->interval = event.interval;
        runner->interval.fd = NULL;
        runner->interval.releases = NULL;
        runner->interval.release_count = 0;
    } else {
        g_clear_pointer(&runner->intervals, ct_store_cursor_free);
    }
}

void ct_replay_runner_read_wake(struct ct_replay_runner *runner, GError **error)
{
    struct ct_store_event event;

    runner->wake_ns = UINT64_MAX;
    while (runner->wakes && runner->wake_ns == UINT64_MAX) {
        if (!ct_store_cursor_next(runner->wakes, &event, error)) {
            g_clear_pointer(&runner->wakes, ct_store_cursor_free);
        } else if (event.begin_ns >= runner->then_ns) {
            runner->wake_ns = event.begin_ns;
            runner->woken = event.id;
        }
    }
}

gboolean ct_replay_runner_take(struct ct_replay_runner *runner, uint64_t then_ns, int64_t *now_ns)
{
    gboolean has_come = FALSE;
    guint kept = 0;

    for (guint i = 0; i < runner->arrivals->len; i++) {
        const struct ct_replay_arrival arrival =
            g_array_index(runner->arrivals, struct ct_replay_arrival, i);

        if (arrival.then_ns == then_ns) {
            *now_ns = arrival.now_ns;
            has_come = TRUE;
        }
        if (arrival.then_ns > then_ns)
            g_array_index(runner->arrivals, struct ct_replay_arrival, kept++) = arrival;
    }
    if (has_come)
        g_array_set_size(runner->arrivals, kept);
    return has_come;
}
