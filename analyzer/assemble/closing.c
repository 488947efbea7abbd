#include "assemble/closing.h"

#include "assemble/heaps.h"
#include "assemble/thread_state.h"
#include "assemble/turns.h"
#include "assemble/version.h"

static gboolean add_process(const struct ct_trackers *trackers,
                            const struct ct_event_process *event, GError **error)
{
    if (!ct_check_version(event->schema_version, error))
        return FALSE;
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);

    if (!image)
        return TRUE;
    ct_extent_begin(trackers->extent, event->process_start_ns);
    if (image->process.ppid == 0)
        image->process.ppid = event->ppid;
    ct_lives_set_rate(trackers->lives, image, event->rate_ns);
    /* Better than what was guessed when its pid came up again. */
    if (event->process_end_ns != 0) {
        uint64_t replaced_ns = image->has_exec && image->has_ended ? image->process.end_ns : 0;
        /* The recorder sees a killed process late; when it had its last CPU, the kernel tells. */
        uint64_t end_ns = MIN(event->process_end_ns, ct_binding_image_end_ns(image));

        image->process.end_ns = MAX(MAX(end_ns, image->process.start_ns), replaced_ns);
        image->has_ended = TRUE;
    }
    ct_image_describe_end(image, event->exe, event->args, event->cwd);
    return TRUE;
}

static void add_thread(const struct ct_trackers *trackers, const struct ct_event_thread *event)
{
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);

    if (!image)
        return;
    struct ct_thread_state *thread =
        ct_lives_told_thread(trackers->lives, image, event->tid, event->thread_start_ns);

    /* Its id was used before: all that is known so far is of the thread that had it then. */
    if (thread && ct_lives_was_seen_before(thread, event->thread_start_ns))
        thread = ct_lives_replace_thread(trackers->lives, thread, event->thread_start_ns);
    if (!thread)
        return;
    uint64_t start_ns = MAX(event->thread_start_ns, ct_extent_dropped_ns(trackers->extent));

    thread->thread.start_ns = MIN(thread->thread.start_ns, start_ns);
    thread->thread.entry = event->entry;
    if (event->name[0])
        ct_lives_name_thread(thread, event->name);
    ct_lives_set_totals(thread, &(struct ct_class_totals){event->net_ns, event->sync_ns,
                                                          event->syscall_ns, event->sleep_ns});
}

static void add_stack(const struct ct_trackers *trackers, const struct ct_event_stack *event)
{
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);
    uint32_t count = MIN(event->addresses.count, CT_STACK_MAX_FRAMES);
    const struct ct_stack stack = {
        .id = event->id,
        .count = count,
        .time_ns = event->taken_ns,
        .omitted = event->omitted,
        .outermost = MIN(event->outermost, count),
    };

    if (image)
        ct_tables_add_stack(trackers->tables, image, &stack, event->addresses.values);
}

static void add_module(const struct ct_trackers *trackers, const struct ct_event_module *event)
{
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);
    const struct ct_module module = {
        .path = (char *)event->path,
        .build_id = (char *)event->build_id,
        .begin = event->begin,
        .end = event->end,
        .bias = event->bias,
        .until_ns = event->until_ns,
    };

    if (image)
        ct_tables_add_module(trackers->tables, image, &module);
}

static void add_code(const struct ct_trackers *trackers, const struct ct_event_code *event)
{
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);

    if (image)
        ct_tables_add_code(trackers->tables, image, event);
}

static void add_inflight(const struct ct_trackers *trackers, uint64_t now_ns,
                         const struct ct_event_inflight *event)
{
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);
    struct ct_interval interval = {
        .begin_ns = event->since_ns,
        .end_ns = MIN(ct_add_u64(event->since_ns, event->duration_ns), now_ns),
        .object = event->object,
        .op = event->op < CT_OP_COUNT ? (enum ct_op)event->op : CT_OP_NONE,
        .class = event->class < CT_CLASS_COUNT ? (enum ct_class)event->class : CT_CLASS_UNKNOWN,
        .stack_id = event->stack,
        .owner_tid = event->owner,
        .result = event->result,
        .is_open = event->is_open != 0,
    };

    if (!image || event->duration_ns > now_ns || event->since_ns > now_ns)
        return; /* not a time of this trace */
    if (ct_extent_is_dropped(trackers->extent, interval.end_ns))
        return;
    struct ct_thread_state *thread =
        ct_lives_told_thread(trackers->lives, image, event->tid, event->since_ns);

    if (!thread)
        return;
    if (interval.is_open) {
        uint64_t process_end_ns = image->has_ended ? image->process.end_ns : UINT64_MAX;
        uint64_t most_ns = MIN(process_end_ns, ct_binding_task_end_ns(thread));

        interval.end_ns = MAX(MIN(interval.end_ns, most_ns), interval.begin_ns);
    }
    ct_turns_tell_ended(&image->process, &interval);
    ct_call_dedup_drop(thread, interval.begin_ns, interval.end_ns);
    /* The program counts calls when they end. */
    if (interval.is_open)
        ct_tables_count_call(&image->process, interval.op, interval.end_ns - interval.begin_ns);
    /* An open one is there whatever its length; one that had ended was sampled. */
    interval.weight =
        interval.is_open ? 1 : ct_sampled_weight(event->duration_ns, image->process.rate_ns);
    ct_waits_add(trackers->waits, now_ns, thread, &interval);
}

/* A thread that ended as what is left of the recording began: how much of it was before, nobody
 * knows. */
static gboolean is_of_before(const struct ct_trackers *trackers, const struct ct_image *image,
                             int32_t tid)
{
    const struct ct_thread_state *thread =
        g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(tid));

    return ct_extent_dropped_ns(trackers->extent) != 0 &&
           (!thread || ct_lives_is_of_before(thread));
}

static void add_counters(const struct ct_trackers *trackers, const struct ct_event_counters *event)
{
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);

    if (!image || event->op >= CT_OP_COUNT || is_of_before(trackers, image, event->tid))
        return;
    struct ct_op_counters counters = {.calls = event->calls, .total_ns = event->total_ns};
    for (uint32_t i = 0; i < MIN(event->histogram.count, CT_HISTOGRAM_BUCKETS); i++)
        counters.histogram[i] = event->histogram.values[i];
    ct_tables_add_counters(&image->process, event->op, &counters);
}

gboolean ct_is_closing(enum ct_event event)
{
    switch (event) {
    case CT_EVENT_ID_PROCESS:
    case CT_EVENT_ID_THREAD:
    case CT_EVENT_ID_STACK:
    case CT_EVENT_ID_MODULE:
    case CT_EVENT_ID_CODE:
    case CT_EVENT_ID_INFLIGHT:
    case CT_EVENT_ID_HEAP:
    case CT_EVENT_ID_HEAP_SITE:
    case CT_EVENT_ID_UNSEEN:
    case CT_EVENT_ID_COUNTERS:
    case CT_EVENT_ID_CAPTURE:
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean ct_closing_add(const struct ct_trackers *trackers, const struct ct_record *record,
                        GError **error)
{
    switch (record->event) {
    case CT_EVENT_ID_PROCESS:
        return add_process(trackers, &record->as.process, error);
    case CT_EVENT_ID_THREAD:
        add_thread(trackers, &record->as.thread);
        return TRUE;
    case CT_EVENT_ID_STACK:
        add_stack(trackers, &record->as.stack);
        return TRUE;
    case CT_EVENT_ID_MODULE:
        add_module(trackers, &record->as.module);
        return TRUE;
    case CT_EVENT_ID_CODE:
        add_code(trackers, &record->as.code);
        return TRUE;
    case CT_EVENT_ID_HEAP:
        ct_heaps_add(trackers, &record->as.heap);
        return TRUE;
    case CT_EVENT_ID_HEAP_SITE:
        ct_heaps_add_site(trackers, &record->as.heap_site);
        return TRUE;
    case CT_EVENT_ID_UNSEEN:
        ct_told_capture_add_unseen(trackers->capture, &record->as.unseen);
        return TRUE;
    case CT_EVENT_ID_INFLIGHT:
        add_inflight(trackers, record->time_ns, &record->as.inflight);
        return TRUE;
    case CT_EVENT_ID_COUNTERS:
        add_counters(trackers, &record->as.counters);
        return TRUE;
    case CT_EVENT_ID_CAPTURE:
        return ct_told_capture_add(trackers->capture, record->time_ns, &record->as.capture, error);
    default:
        return TRUE;
    }
}
