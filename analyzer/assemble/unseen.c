/*
 * Waits that a preload could not see, in a process that has one: the kernel tells of all its system
 * calls, and the preload of most, a moment later, or earlier as far as clocks differ. What it tells
 * of is not counted twice: a call is held until it is clear that the preload does not.
 */
#include "assemble/state.h"

/* Waits that the preload tells of come in the order of their ends, so that few calls are in doubt.
 */
#define HELD_MAX 32

static void release_first(struct ct_assembler *assembler, struct ct_thread_state *thread)
{
    struct ct_interval interval = g_array_index(thread->unseen, struct ct_interval, 0);

    g_array_remove_index(thread->unseen, 0);
    /* The preload's last word is from before the thread's last calls. */
    if (assembler->is_settled || thread->thread.has_exited)
        interval.end_ns = MIN(interval.end_ns, thread->thread.end_ns);
    if (interval.begin_ns >= interval.end_ns)
        return;
    ct_assembler_count_call(thread->thread.process, interval.op,
                            interval.end_ns - interval.begin_ns);
    ct_assembler_interval(assembler, assembler->now_ns, thread, &interval);
}

void ct_unseen_hold(struct ct_assembler *assembler, struct ct_thread_state *thread,
                    const struct ct_interval *interval)
{
    if (interval->begin_ns < thread->seen.end_ns && thread->seen.begin_ns < interval->end_ns)
        return;
    if (!thread->unseen)
        thread->unseen = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    if (thread->unseen->len >= HELD_MAX)
        release_first(assembler, thread);
    g_array_append_val(thread->unseen, *interval);
}

void ct_unseen_release(struct ct_assembler *assembler, struct ct_thread_state *thread,
                       uint64_t time_ns)
{
    while (thread->unseen && thread->unseen->len > 0 &&
           g_array_index(thread->unseen, struct ct_interval, 0).end_ns <= time_ns)
        release_first(assembler, thread);
}

void ct_unseen_drop(struct ct_thread_state *thread, uint64_t begin_ns, uint64_t end_ns)
{
    thread->seen = (struct ct_span){begin_ns, end_ns};
    for (guint i = thread->unseen ? thread->unseen->len : 0; i > 0; i--) {
        const struct ct_interval *held = &g_array_index(thread->unseen, struct ct_interval, i - 1);

        if (held->begin_ns < end_ns && begin_ns < held->end_ns)
            g_array_remove_index(thread->unseen, i - 1);
    }
}
