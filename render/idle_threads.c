#include "idle_threads.h"

/* Between two waits, a thread looks at what time it is. */
static const double least_share = 0.99;

static struct ct_wait_traits traits_of(const struct ct_thread *thread,
                                       const struct ct_timeline_wait *wait)
{
    return (struct ct_wait_traits){
        .thread = thread,
        .waker = wait->waker,
        .op = wait->op,
        .class = wait->class,
        .stack_id = wait->stack_id,
        .is_for_lock = wait->is_for_lock,
        .object = wait->has_fd ? 0 : wait->object,
        .fd_role = wait->fd_role,
        .is_ended_by_fd = wait->is_ended_by_fd,
        .fd_kind = wait->fd_kind,
        .local = wait->local,
        .peer = wait->peer,
    };
}

static gboolean may_be_idle(const struct ct_timeline_wait *wait)
{
    return wait->op != CT_OP_NONE && wait->class != CT_CLASS_RUNNABLE;
}

static gboolean is_enough(uint64_t time_ns, uint64_t alive_ns)
{
    return alive_ns > 0 && (double)time_ns >= least_share * (double)alive_ns;
}

/* Whoever it waited for in the end, it did nothing before. */
static gboolean is_pooled(const struct ct_timeline_wait *wait, enum ct_cause cause,
                          uint64_t alive_ns)
{
    return cause == CT_CAUSE_OTHERS && ct_op_object(wait->op) == CT_OBJECT_COND &&
           is_enough(wait->end_ns - wait->begin_ns, alive_ns);
}

/* The stacks of the waits are looked at only where they may decide. */
static gboolean is_idle(const struct ct_timeline_thread *waited, uint64_t alive_ns,
                        struct ct_idle *idle)
{
    uint64_t waited_ns = 0, idle_ns = 0;

    for (uint32_t i = 0; i < waited->wait_count; i++)
        if (may_be_idle(&waited->waits[i]))
            waited_ns += waited->waits[i].end_ns - waited->waits[i].begin_ns;
    if (!is_enough(waited_ns, alive_ns))
        return FALSE;
    for (uint32_t i = 0; i < waited->wait_count; i++) {
        const struct ct_timeline_wait *wait = &waited->waits[i];
        const struct ct_wait_traits traits = traits_of(waited->thread, wait);
        enum ct_cause cause = may_be_idle(wait) ? ct_idle_cause(idle, &traits) : CT_CAUSE_LOCK;

        if (cause == CT_CAUSE_IDLE || is_pooled(wait, cause, alive_ns))
            idle_ns += wait->end_ns - wait->begin_ns;
    }
    return is_enough(idle_ns, alive_ns);
}

GHashTable *ct_idle_threads_find(const struct ct_model *model, const struct ct_timeline *timeline,
                                 const struct ct_window *window, struct ct_idle *idle)
{
    GHashTable *threads = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread *thread = model->threads->pdata[i];
        const struct ct_timeline_thread *waited = ct_timeline_find(timeline, thread);
        uint64_t begin_ns = MAX(thread->start_ns, window->begin_ns);
        uint64_t end_ns = MIN(thread->end_ns, window->end_ns);

        if (waited && begin_ns < end_ns && is_idle(waited, end_ns - begin_ns, idle))
            g_hash_table_add(threads, thread);
    }
    return threads;
}
