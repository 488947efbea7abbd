#include "assemble/preloaded.h"

#include "assemble/thread_state.h"
#include "assemble/turns.h"
#include "assemble/version.h"

#define VALID_OP(op)       ((op) < CT_OP_COUNT ? (enum ct_op)(op) : CT_OP_NONE)
#define VALID_CLASS(class) ((class) < CT_CLASS_COUNT ? (enum ct_class)(class) : CT_CLASS_UNKNOWN)

/* All kinds of wait event have these fields, some in other sizes. */
static void add_wait(const struct ct_trackers *trackers, const struct ct_record *record,
                     const struct ct_event_long_wait *wait)
{
    uint64_t end_ns = record->time_ns - MIN(wait->lag_ns, record->time_ns);
    struct ct_interval interval = {
        .begin_ns = end_ns - MIN(wait->duration_ns, end_ns),
        .end_ns = end_ns,
        .object = wait->object,
        .op = VALID_OP(wait->op),
        .class = VALID_CLASS(wait->class),
        .stack_id = wait->stack,
        .owner_tid = wait->owner,
        .result = wait->result,
    };

    if (ct_extent_is_dropped(trackers->extent, end_ns))
        return;
    struct ct_thread_state *thread =
        ct_lives_live_thread(trackers->lives, record, interval.begin_ns);

    ct_told_capture_count_wait(trackers->capture);
    if (!thread)
        return;
    interval.weight =
        ct_sampled_weight(interval.end_ns - interval.begin_ns, thread->thread.process->rate_ns);
    ct_turns_tell_ended(thread->thread.process, &interval);
    ct_binding_see_running(trackers->binding, thread, interval.end_ns);
    ct_call_dedup_drop(thread, interval.begin_ns, interval.end_ns);
    ct_call_dedup_release(trackers->dedup, thread, interval.begin_ns);
    ct_waits_add(trackers->waits, record->time_ns, thread, &interval);
}

/* The thread that wrote the record. What was said before the part that is left is no sign of one in
 * it, unless that is known. */
static struct ct_thread_state *find_thread(const struct ct_trackers *trackers,
                                           const struct ct_record *record)
{
    if (ct_extent_is_dropped(trackers->extent, record->time_ns) &&
        !ct_lives_knows_thread(trackers->lives, record->pid, record->tid))
        return NULL;
    return ct_lives_live_thread(trackers->lives, record, record->time_ns);
}

static void add_wake(const struct ct_trackers *trackers, const struct ct_record *record,
                     enum ct_op op, uint64_t object, uint64_t lag_ns, uint32_t stack_id)
{
    struct ct_thread_state *thread = find_thread(trackers, record);
    enum ct_object kind = ct_op_object(op);

    if (!thread || kind == CT_OBJECT_NONE)
        return;
    struct ct_wake wake = {
        .time_ns = record->time_ns - MIN(lag_ns, record->time_ns),
        .thread = &thread->thread,
        .stack_id = stack_id,
        .op = op,
    };
    if (kind == CT_OBJECT_FD && object & CT_WAKE_OF_POLLER) {
        kind = CT_OBJECT_FD_SET;
        object &= ~CT_WAKE_OF_POLLER;
    }
    ct_output_add_wake(trackers->output, kind, object, &wake);
}

/* It began as what is left of the recording did: that it is there was told before this. */
static gboolean is_told_already(const struct ct_image *image,
                                const struct ct_event_process_start *start)
{
    return image && image->is_restated && image->process.start_ns == start->process_start_ns;
}

static void start_process(const struct ct_trackers *trackers, const struct ct_record *record)
{
    const struct ct_event_process_start *start = &record->as.process_start;
    struct ct_image *previous = ct_lives_image(trackers->lives, record->pid);

    if (is_told_already(previous, start))
        return;
    /* Replaced by exec it ended just now; else it was killed, and the pid is used again. */
    if (previous) {
        ct_binding_replace(trackers->binding, previous);
        if (previous->has_exec)
            ct_image_end_exec(previous, MIN(start->process_start_ns, record->time_ns));
        ct_image_end(previous, ct_lives_last_sign_ns(previous));
    }
    /* The program's word: no reason to leave the others out. */
    if (!ct_is_known_version(start->schema_version)) {
        ct_lives_skip_image(trackers->lives, record->pid, start);
        return;
    }
    struct ct_image *image =
        ct_lives_begin_image(trackers->lives, record->pid, start->process_start_ns, TRUE);

    if (!image)
        return;
    /* By now its parent may have ended. */
    image->process.ppid = previous && previous->has_exec ? previous->process.ppid : start->ppid;
    ct_lives_set_rate(trackers->lives, image, start->rate_ns);
    ct_image_describe(image, start->exe, start->args, start->cwd);
    struct ct_thread_state *first = ct_lives_add_thread(
        trackers->lives, image, record->tid, MIN(start->process_start_ns, record->time_ns));

    if (first)
        ct_lives_set_forker(trackers->lives, first);
    ct_extent_begin(trackers->extent, MIN(start->process_start_ns, record->time_ns));
}

static void start_thread(const struct ct_trackers *trackers, const struct ct_record *record)
{
    struct ct_thread_state *thread = ct_lives_live_thread(trackers->lives, record, record->time_ns);

    if (thread)
        ct_lives_start_thread(trackers->lives, thread, record->time_ns, &record->as.thread_start);
}

static void exit_thread(const struct ct_trackers *trackers, const struct ct_record *record)
{
    const struct ct_event_thread_exit *totals = &record->as.thread_exit;
    struct ct_thread_state *thread = ct_lives_live_thread(trackers->lives, record, record->time_ns);

    if (!thread)
        return;
    if (ct_lives_is_of_before(thread))
        thread->thread.start_ns =
            MIN(thread->thread.start_ns, ct_extent_dropped_ns(trackers->extent));
    ct_lives_set_totals(thread, &(struct ct_class_totals){totals->net_ns, totals->sync_ns,
                                                          totals->syscall_ns, totals->sleep_ns});
    ct_call_dedup_release(trackers->dedup, thread, UINT64_MAX);
    add_wake(trackers, record, CT_OP_THREAD_EXIT, (uint64_t)(uint32_t)record->tid, 0, 0);
    ct_lives_end_thread(thread, record->time_ns);
}

static void add_fd(const struct ct_trackers *trackers, const struct ct_record *record)
{
    const struct ct_event_fd *event = &record->as.fd;
    struct ct_thread_state *thread = find_thread(trackers, record);
    const struct ct_fd fd = {
        .fd = event->fd,
        .kind = (enum ct_fd_kind)event->kind,
        .local = (char *)event->local,
        .peer = (char *)event->peer,
    };

    if (thread)
        ct_descriptors_set(trackers->descriptors, thread->thread.process, &fd);
}

static void add_lock_order(struct ct_thread_state *thread, const struct ct_record *record)
{
    const struct ct_event_lock_order *event = &record->as.lock_order;
    const struct ct_lock_order lock_order = {
        .held = event->held,
        .held_op = VALID_OP(event->held_op),
        .object = event->object,
        .op = VALID_OP(event->op),
        .stack_id = event->stack,
        .tid = record->tid,
        .time_ns = record->time_ns,
    };

    ct_process_add_lock_order(thread->thread.process, &lock_order);
}

static void add_live(const struct ct_trackers *trackers, const struct ct_record *record)
{
    struct ct_thread_state *thread = find_thread(trackers, record);

    if (!thread)
        return;
    struct ct_image *image = ct_image_of(&thread->thread);

    switch (record->event) {
    case CT_EVENT_ID_PROCESS_EXIT:
        image->process.exit_status = record->as.process_exit.status;
        ct_image_end(image, record->time_ns);
        break;
    case CT_EVENT_ID_UNLOAD:
        ct_image_forget_stacks(image);
        break;
    case CT_EVENT_ID_FORK:
        ct_lives_note_fork(trackers->lives, record->as.fork.child_pid, record->tid);
        break;
    case CT_EVENT_ID_EXEC:
        ct_image_begin_exec(image, record->time_ns);
        break;
    case CT_EVENT_ID_THREAD_NAME:
        ct_lives_name_thread(thread, record->as.thread_name.name);
        break;
    case CT_EVENT_ID_LOCK_ORDER:
        add_lock_order(thread, record);
        break;
    default:
        break;
    }
}

void ct_preloaded_add(const struct ct_trackers *trackers, const struct ct_record *record)
{
    ct_extent_reach(trackers->extent, record->time_ns);
    switch (record->event) {
#define COPY_FIELD(type, name) longer.name = wait->name;
    case CT_EVENT_ID_WAIT: {
        const struct ct_event_wait *wait = &record->as.wait;
        struct ct_event_long_wait longer = {.owner = 0};
        CT_EVENT_WAIT(COPY_FIELD)
        add_wait(trackers, record, &longer);
        break;
    }
    case CT_EVENT_ID_LOCK_WAIT: {
        const struct ct_event_lock_wait *wait = &record->as.lock_wait;
        struct ct_event_long_wait longer;
        CT_EVENT_LOCK_WAIT(COPY_FIELD)
        add_wait(trackers, record, &longer);
        break;
    }
#undef COPY_FIELD
    case CT_EVENT_ID_LONG_WAIT:
        add_wait(trackers, record, &record->as.long_wait);
        break;
    case CT_EVENT_ID_WAKE:
        add_wake(trackers, record, VALID_OP(record->as.wake.op), record->as.wake.object,
                 record->as.wake.lag_ns, record->as.wake.stack);
        break;
    case CT_EVENT_ID_LONG_WAKE:
        add_wake(trackers, record, VALID_OP(record->as.long_wake.op), record->as.long_wake.object,
                 record->as.long_wake.lag_ns, record->as.long_wake.stack);
        break;
    case CT_EVENT_ID_TURN:
        ct_turns_add(trackers, record);
        break;
    case CT_EVENT_ID_PROCESS_START:
        start_process(trackers, record);
        break;
    case CT_EVENT_ID_THREAD_START:
        start_thread(trackers, record);
        break;
    case CT_EVENT_ID_THREAD_EXIT:
        exit_thread(trackers, record);
        break;
    case CT_EVENT_ID_FD:
        add_fd(trackers, record);
        break;
    default:
        add_live(trackers, record);
        break;
    }
}
