#include "assemble/call_dedup.h"

#include "assemble/tables.h"
#include "assemble/thread_state.h"

/* Waits that the preload tells of come in the order of their ends, so that few calls are in doubt.
 */
#define HELD_MAX 32

struct ct_call_dedup {
    struct ct_waits *waits;           /* borrowed */
    const struct ct_binding *binding; /* borrowed */
    const struct ct_output *output;   /* borrowed */
};

struct ct_call_dedup *ct_call_dedup_new(struct ct_waits *waits, const struct ct_binding *binding,
                                        const struct ct_output *output)
{
    struct ct_call_dedup *dedup = g_new0(struct ct_call_dedup, 1);

    *dedup = (struct ct_call_dedup){waits, binding, output};
    return dedup;
}

void ct_call_dedup_free(struct ct_call_dedup *dedup)
{
    g_free(dedup);
}

void ct_call_dedup_clear_thread(struct ct_thread_state *thread)
{
    g_clear_pointer(&thread->dedup.held, g_array_unref);
}

static void release_first(struct ct_call_dedup *dedup, struct ct_thread_state *thread)
{
    struct ct_interval interval = g_array_index(thread->dedup.held, struct ct_interval, 0);

    g_array_remove_index(thread->dedup.held, 0);
    /* The preload's last word is from before the thread's last calls. */
    if (ct_binding_is_settled(dedup->binding) || thread->thread.has_exited)
        interval.end_ns = MIN(interval.end_ns, thread->thread.end_ns);
    if (interval.begin_ns >= interval.end_ns)
        return;
    ct_tables_count_call(thread->thread.process, interval.op, interval.end_ns - interval.begin_ns);
    ct_waits_add(dedup->waits, ct_output_now_ns(dedup->output), thread, &interval);
}

void ct_call_dedup_hold(struct ct_call_dedup *dedup, struct ct_thread_state *thread,
                        const struct ct_interval *interval)
{
    if (interval->begin_ns < thread->dedup.seen.end_ns &&
        thread->dedup.seen.begin_ns < interval->end_ns)
        return;
    if (!thread->dedup.held)
        thread->dedup.held = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    if (thread->dedup.held->len >= HELD_MAX)
        release_first(dedup, thread);
    g_array_append_val(thread->dedup.held, *interval);
}

void ct_call_dedup_release(struct ct_call_dedup *dedup, struct ct_thread_state *thread,
                           uint64_t time_ns)
{
    while (thread->dedup.held && thread->dedup.held->len > 0 &&
           g_array_index(thread->dedup.held, struct ct_interval, 0).end_ns <= time_ns)
        release_first(dedup, thread);
}

void ct_call_dedup_drop(struct ct_thread_state *thread, uint64_t begin_ns, uint64_t end_ns)
{
    thread->dedup.seen = (struct ct_span){begin_ns, end_ns};
    for (guint i = thread->dedup.held ? thread->dedup.held->len : 0; i > 0; i--) {
        const struct ct_interval *held =
            &g_array_index(thread->dedup.held, struct ct_interval, i - 1);

        if (held->begin_ns < end_ns && begin_ns < held->end_ns)
            g_array_remove_index(thread->dedup.held, i - 1);
    }
}
