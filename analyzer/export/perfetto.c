/*
 * Events as Perfetto reads them: a track for each thread with a slice for each wait, or part of
 * one, arrows from who ended it, and what the scheduler did. See
 * https://perfetto.dev/docs/reference/synthetic-track-event.
 */
#include "export/event_text.h"
#include "export/perfetto_packets.h"
#include "export/perfetto_sched.h"
#include "export/trace_format.h"

#define ANNOTATIONS_MAX 8

/* Tracks are told apart by numbers of their own. */
#define PROCESS_TRACKS ((uint64_t)1 << 32)
#define THREAD_TRACKS  ((uint64_t)2 << 32)

struct writer {
    const struct ct_export_input *input;
    struct ct_event_texts *texts;        /* owned */
    struct ct_perfetto_packets *packets; /* owned */
    uint64_t flow_count;
};

/* An event, while it is made. */
struct event {
    Perfetto__TrackEvent message;
    Perfetto__DebugAnnotation annotations[ANNOTATIONS_MAX];
    Perfetto__DebugAnnotation *list[ANNOTATIONS_MAX];
    uint64_t category;
    uint64_t flow;
};

static void begin_event(struct event *event, Perfetto__TrackEvent__Type type,
                        const struct ct_thread *thread)
{
    perfetto__track_event__init(&event->message);
    event->message.has_type = TRUE;
    event->message.type = type;
    event->message.has_track_uuid = TRUE;
    event->message.track_uuid = THREAD_TRACKS + thread->number;
    event->message.debug_annotations = event->list;
}

static void set_name(struct writer *writer, struct event *event, const char *category,
                     const char *name)
{
    event->category = ct_perfetto_packets_intern(writer->packets, CT_PERFETTO_CATEGORY, category);
    event->message.n_category_iids = 1;
    event->message.category_iids = &event->category;
    event->message.has_name_iid = TRUE;
    event->message.name_iid =
        ct_perfetto_packets_intern(writer->packets, CT_PERFETTO_EVENT_NAME, name);
}

static Perfetto__DebugAnnotation *add_annotation(struct writer *writer, struct event *event,
                                                 const char *name)
{
    Perfetto__DebugAnnotation *annotation = &event->annotations[event->message.n_debug_annotations];

    perfetto__debug_annotation__init(annotation);
    annotation->has_name_iid = TRUE;
    annotation->name_iid =
        ct_perfetto_packets_intern(writer->packets, CT_PERFETTO_ANNOTATION_NAME, name);
    event->list[event->message.n_debug_annotations++] = annotation;
    return annotation;
}

static void add_text(struct writer *writer, struct event *event, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    Perfetto__DebugAnnotation *annotation = add_annotation(writer, event, name);

    annotation->has_string_value_iid = TRUE;
    annotation->string_value_iid =
        ct_perfetto_packets_intern(writer->packets, CT_PERFETTO_ANNOTATION_VALUE, text);
}

static void write_event(struct writer *writer, struct event *event, uint64_t time_ns)
{
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

    packet.has_timestamp = TRUE;
    packet.timestamp = time_ns;
    packet.track_event = &event->message;
    ct_perfetto_packets_write(writer->packets, &packet);
}

/* ---- Waits ---- */

/* Where a slice begins, all about it is told. */
static void write_begin(struct writer *writer, const struct ct_interval *interval, uint64_t time_ns)
{
    const struct ct_process *process = interval->thread->process;
    g_autofree char *object = ct_event_object(writer->texts, interval);
    struct event event;

    begin_event(&event, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN, interval->thread);
    set_name(writer, &event, ct_class_name(interval->class), ct_event_name(interval));
    add_text(writer, &event, "object", object);
    add_text(writer, &event, "place", ct_event_place(writer->texts, process, interval->stack_id));
    add_text(writer, &event, "stack", ct_event_stack(writer->texts, process, interval->stack_id));
    add_text(writer, &event, "preempted_by", interval->preempted_by);
    if (interval->weight > 1) {
        Perfetto__DebugAnnotation *annotation = add_annotation(writer, &event, "stands_for");

        annotation->has_double_value = TRUE;
        annotation->double_value = interval->weight;
    }
    if (interval->is_open) {
        Perfetto__DebugAnnotation *annotation = add_annotation(writer, &event, "never_returned");

        annotation->has_bool_value = annotation->bool_value = TRUE;
    }
    write_event(writer, &event, time_ns);
}

/* On the track of who let the wait end; the flow's number. */
static uint64_t write_wake(struct writer *writer, const struct ct_interval *interval)
{
    const struct ct_thread *waker = interval->waker;
    g_autofree char *woken =
        g_strdup_printf("%s (%d)", interval->thread->name, interval->thread->tid);
    struct event event;

    begin_event(&event, PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT, waker);
    set_name(writer, &event, "wake",
             interval->waker_op == CT_OP_NONE ? "wakes" : ct_op_name(interval->waker_op));
    add_text(writer, &event, "woken", woken);
    add_text(writer, &event, "place",
             ct_event_place(writer->texts, waker->process, interval->waker_stack_id));
    add_text(writer, &event, "stack",
             ct_event_stack(writer->texts, waker->process, interval->waker_stack_id));
    event.flow = ++writer->flow_count;
    event.message.n_flow_ids = 1;
    event.message.flow_ids = &event.flow;
    write_event(writer, &event, interval->wake_ns);
    return event.flow;
}

/* `flow` 0: none ends here. */
static void write_end(struct writer *writer, const struct ct_interval *interval, uint64_t time_ns,
                      uint64_t flow)
{
    struct event event;

    begin_event(&event, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END, interval->thread);
    event.flow = flow;
    event.message.n_terminating_flow_ids = flow > 0 ? 1 : 0;
    event.message.terminating_flow_ids = &event.flow;
    write_event(writer, &event, time_ns);
}

static void write_interval(struct writer *writer, const struct ct_interval *interval)
{
    const struct ct_export_input *input = writer->input;
    uint64_t begin_ns = MAX(interval->begin_ns, input->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, input->end_ns);
    gboolean has_wake = interval->waker && interval->wake_ns >= input->begin_ns &&
                        interval->wake_ns <= end_ns && end_ns == interval->end_ns;

    if (begin_ns >= end_ns)
        return;
    write_begin(writer, interval, begin_ns);
    write_end(writer, interval, end_ns, has_wake ? write_wake(writer, interval) : 0);
}

/* A thread's are one after the other: what ends comes before what begins at once. */
static gboolean write_thread(struct writer *writer, const struct ct_thread *thread, GError **error)
{
    g_autoptr(ct_store_cursor) cursor =
        ct_store_intervals(writer->input->store, thread, writer->input->scope->window);
    g_autoptr(GError) wrong = NULL;
    struct ct_store_event event;

    while (ct_store_cursor_next(cursor, &event, &wrong)) {
        if (ct_store_lets(writer->input->scope, &event.interval))
            write_interval(writer, &event.interval);
    }
    if (!wrong)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&wrong));
    return FALSE;
}

/* ---- Tracks ---- */

static void write_track(struct writer *writer, Perfetto__TrackDescriptor *track, uint64_t uuid)
{
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

    track->has_uuid = TRUE;
    track->uuid = uuid;
    packet.track_descriptor = track;
    ct_perfetto_packets_write(writer->packets, &packet);
}

static void describe_process(struct writer *writer, const struct ct_process *process, guint number)
{
    Perfetto__ProcessDescriptor description = PERFETTO__PROCESS_DESCRIPTOR__INIT;
    Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;
    g_autofree char *name = g_utf8_make_valid(process->name, -1);
    g_autofree char *arguments = g_utf8_make_valid(process->args, -1);

    description.has_pid = TRUE;
    description.pid = process->pid;
    description.process_name = name;
    description.n_cmdline = 1;
    description.cmdline = &arguments;
    track.process = &description;
    write_track(writer, &track, PROCESS_TRACKS + number);
}

static void describe_thread(struct writer *writer, const struct ct_thread *thread)
{
    Perfetto__ThreadDescriptor description = PERFETTO__THREAD_DESCRIPTOR__INIT;
    Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;
    g_autofree char *name = g_utf8_make_valid(thread->name, -1);

    description.has_pid = description.has_tid = TRUE;
    description.pid = thread->process->pid;
    description.tid = thread->tid;
    description.thread_name = name;
    track.thread = &description;
    write_track(writer, &track, THREAD_TRACKS + thread->number);
}

static gboolean write_threads(struct writer *writer, GError **error)
{
    const struct ct_model *model = writer->input->model;

    for (guint i = 0; i < model->processes->len; i++)
        describe_process(writer, model->processes->pdata[i], i);
    for (guint i = 0; i < model->threads->len; i++)
        describe_thread(writer, model->threads->pdata[i]);
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = model->threads->pdata[i];

        if (ct_selection_has_thread(writer->input->scope->selection, thread) &&
            !write_thread(writer, thread, error))
            return FALSE;
    }
    return TRUE;
}

gboolean ct_export_write_perfetto(const struct ct_export_input *input, FILE *out, GError **error)
{
    g_autoptr(ct_event_texts) texts = ct_event_texts_new(input->symbolizer);
    g_autoptr(ct_perfetto_packets) packets =
        ct_perfetto_packets_new(out, input->begin_ns, input->model->epoch_offset_ns);
    struct writer writer = {.input = input, .texts = texts, .packets = packets};

    return write_threads(&writer, error) && ct_perfetto_write_sched(input, packets, error);
}
