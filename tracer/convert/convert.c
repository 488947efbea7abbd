#include "convert.h"

#include "clock.h"
#include "event_classes.h"
#include "files/tree.h"
#include "samples.h"
#include "sandbox/sandbox.h"
#include "spool/spool.h"

#include <babeltrace2/babeltrace.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* Where a reader can begin anew. */
#define EVENTS_PER_PACKET 8192

#define NS_PER_S UINT64_C(1000000000)

/* What an item may take: the debug information of the largest programs takes some seconds. */
#define ITEM_CPU_S 60

/* Enough for the unwind tables of the largest programs, and for the lives of a million threads. */
#define MEMORY_MAX (UINT64_C(8) << 30)

/* One CPU's stream on its way into babeltrace2. */
struct stream {
    bt_stream *stream; /* owned */
    bt_packet *packet; /* owned; NULL between packets */
    uint64_t last_ns;
    uint32_t packet_events;
    gboolean is_begun;
};

/* What is left to be handed on: one item can be several messages. */
#define MESSAGES_PER_ITEM 8

/* Where the next item comes from. */
struct input {
    struct ct_kernel_item item;
    gboolean has_item;
};

struct conversion {
    struct ct_kernel_events *events;   /* borrowed; NULL: there are none */
    struct ct_kernel_samples *samples; /* the same */
    struct input next_event;
    struct input next_sample;
    guint sample_stream;        /* the first of the samples' streams, which come last */
    uint64_t deserted_until_ns; /* of the scope; 0 also once it was told */
    struct ct_trace_clock clock;
    struct ct_kernel_totals *totals;  /* borrowed */
    struct ct_event_classes *classes; /* owned */
    struct stream *streams;           /* owned; for each CPU, of each kind */
    guint stream_count;
    guint next_end; /* the stream to be ended next, once all events are written */
    bt_self_message_iterator *iterator; /* borrowed; while messages are made */
    GQueue messages;                    /* owned are the messages */
};

/* ---- The source ---- */

static bt_clock_class *create_clock_class(const struct conversion *conversion,
                                          bt_self_component *component)
{
    bt_clock_class *clock_class = bt_clock_class_create(component);

    bt_clock_class_set_name(clock_class, "monotonic");
    bt_clock_class_set_description(clock_class, "Monotonic Clock");
    bt_clock_class_set_frequency(clock_class, NS_PER_S);
    bt_clock_class_set_offset(clock_class, (int64_t)(conversion->clock.offset_ns / NS_PER_S),
                              conversion->clock.offset_ns % NS_PER_S);
    bt_clock_class_set_origin_is_unix_epoch(clock_class, BT_TRUE);
    if (conversion->clock.has_uuid)
        bt_clock_class_set_uuid(clock_class, conversion->clock.uuid);
    return clock_class;
}

static void describe(bt_trace *trace)
{
    struct utsname system;

    uname(&system);
    bt_trace_set_environment_entry_string(trace, "domain", "kernel");
    bt_trace_set_environment_entry_string(trace, "tracer_name", "ctrace");
    bt_trace_set_environment_entry_string(trace, "tracer_version", CTRACE_VERSION);
    bt_trace_set_environment_entry_string(trace, "sysname", system.sysname);
    bt_trace_set_environment_entry_string(trace, "kernel_release", system.release);
    bt_trace_set_environment_entry_string(trace, "kernel_version", system.version);
    bt_trace_set_environment_entry_string(trace, "hostname", system.nodename);
}

static bt_component_class_initialize_method_status
initialize_source(bt_self_component_source *source,
                  bt_self_component_source_configuration *configuration, const bt_value *parameters,
                  void *data)
{
    bt_self_component *component = bt_self_component_source_as_self_component(source);
    struct conversion *conversion = data;
    bt_trace_class *trace_class = bt_trace_class_create(component);
    bt_clock_class *clock_class = create_clock_class(conversion, component);

    (void)configuration;
    (void)parameters;
    conversion->classes =
        ct_event_classes_new(trace_class, clock_class, conversion->samples != NULL);
    bt_trace *trace = bt_trace_create(trace_class);
    describe(trace);
    for (guint i = 0; i < conversion->stream_count; i++)
        conversion->streams[i].stream =
            bt_stream_create(ct_event_classes_borrow_stream_class(conversion->classes,
                                                                  i >= conversion->sample_stream),
                             trace);
    bt_trace_put_ref(trace);
    bt_clock_class_put_ref(clock_class);
    bt_trace_class_put_ref(trace_class);
    bt_self_component_set_data(component, conversion);
    return bt_self_component_source_add_output_port(source, "out", NULL, NULL) ==
                   BT_SELF_COMPONENT_ADD_PORT_STATUS_OK
               ? BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK
               : BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
}

/* ---- Messages ---- */

static void push(struct conversion *conversion, bt_message *message)
{
    g_queue_push_tail(&conversion->messages, message);
}

static uint32_t cpu_of(const struct conversion *conversion, guint index)
{
    return index < conversion->sample_stream
               ? ct_kernel_events_cpu(conversion->events, index)
               : ct_kernel_samples_cpu(conversion->samples, index - conversion->sample_stream);
}

static void begin_packet(struct conversion *conversion, guint index, uint64_t time_ns)
{
    struct stream *stream = &conversion->streams[index];

    if (!stream->is_begun)
        push(conversion, bt_message_stream_beginning_create(conversion->iterator, stream->stream));
    stream->is_begun = TRUE;
    ct_sandbox_allow_cpu(ITEM_CPU_S);
    stream->packet = bt_packet_create(stream->stream);
    stream->packet_events = 0;
    ct_event_classes_fill_packet(stream->packet, cpu_of(conversion, index));
    push(conversion, bt_message_packet_beginning_create_with_default_clock_snapshot(
                         conversion->iterator, stream->packet, time_ns));
}

static void end_packet(struct conversion *conversion, struct stream *stream, uint64_t time_ns)
{
    push(conversion, bt_message_packet_end_create_with_default_clock_snapshot(
                         conversion->iterator, stream->packet, time_ns));
    bt_packet_put_ref(stream->packet);
    stream->packet = NULL;
}

static void push_event(struct conversion *conversion, const struct ct_kernel_item *item)
{
    struct stream *stream = &conversion->streams[item->index];
    uint64_t time_ns = item->record.time_ns;

    if (stream->packet != NULL && stream->packet_events >= EVENTS_PER_PACKET)
        end_packet(conversion, stream, stream->last_ns);
    if (stream->packet == NULL)
        begin_packet(conversion, item->index, time_ns);
    bt_message *message = bt_message_event_create_with_packet_and_default_clock_snapshot(
        conversion->iterator, ct_event_classes_find(conversion->classes, &item->record),
        stream->packet, time_ns);
    ct_event_classes_fill(bt_message_event_borrow_event(message), &item->record);
    push(conversion, message);
    stream->packet_events++;
    stream->last_ns = time_ns;
    if (item->record.event == CT_KERNEL_ID_CPU_SAMPLE) {
        conversion->totals->samples++;
        conversion->totals->samples_partial += item->record.as.cpu_sample.is_partial;
    } else {
        conversion->totals->events++;
    }
}

/* CTF 1.8 counts losses from the end of a packet to that of the next, which here is an empty one:
 * they were no longer than that. */
static void push_loss(struct conversion *conversion, const struct ct_kernel_item *item)
{
    struct stream *stream = &conversion->streams[item->index];
    uint64_t since_ns = MAX(item->lost_since_ns, stream->last_ns);
    uint64_t time_ns = item->record.time_ns;

    if (stream->packet == NULL)
        begin_packet(conversion, item->index, since_ns);
    end_packet(conversion, stream, since_ns);
    bt_message *message = bt_message_discarded_events_create_with_default_clock_snapshots(
        conversion->iterator, stream->stream, since_ns, time_ns);
    bt_message_discarded_events_set_count(message, item->lost);
    push(conversion, message);
    begin_packet(conversion, item->index, time_ns);
    end_packet(conversion, stream, time_ns);
    stream->last_ns = time_ns;
    if (item->index < conversion->sample_stream)
        conversion->totals->lost += item->lost;
    else
        conversion->totals->samples_lost += item->lost;
}

static void fetch(struct conversion *conversion)
{
    struct input *event = &conversion->next_event;
    struct input *sample = &conversion->next_sample;

    if (!event->has_item && conversion->events != NULL)
        event->has_item = ct_kernel_events_next(conversion->events, &event->item);
    if (!sample->has_item && conversion->samples != NULL) {
        sample->has_item = ct_kernel_samples_next(conversion->samples, &sample->item);
        sample->item.index += conversion->sample_stream;
    }
}

/* The first of what either has next. NULL at the end of both. */
static struct input *first_input(struct conversion *conversion)
{
    struct input *event = &conversion->next_event;
    struct input *sample = &conversion->next_sample;

    fetch(conversion);
    if (!event->has_item || !sample->has_item)
        return event->has_item ? event : sample->has_item ? sample : NULL;
    return sample->item.record.time_ns < event->item.record.time_ns ? sample : event;
}

/* The recorder was killed: what the kernel told later was lost, nobody knows how much. */
static void desert(struct conversion *conversion)
{
    const struct ct_kernel_totals told = *conversion->totals;
    uint64_t until_ns = conversion->deserted_until_ns;

    for (guint i = 0; i < conversion->sample_stream; i++) {
        const struct stream *stream = &conversion->streams[i];
        if (!stream->is_begun || stream->last_ns >= until_ns)
            continue;
        push_loss(conversion, &(struct ct_kernel_item){.index = i,
                                                       .lost = 1,
                                                       .lost_since_ns = stream->last_ns,
                                                       .record = {.time_ns = until_ns}});
    }
    conversion->totals->lost = told.lost;
    conversion->deserted_until_ns = 0;
}

/* FALSE once everything was made. */
static gboolean make_messages(struct conversion *conversion)
{
    struct input *input = first_input(conversion);

    if (input != NULL) {
        if (input->item.lost > 0)
            push_loss(conversion, &input->item);
        else
            push_event(conversion, &input->item);
        input->has_item = FALSE;
        return TRUE;
    }
    if (conversion->deserted_until_ns > 0) {
        desert(conversion);
        if (!g_queue_is_empty(&conversion->messages))
            return TRUE;
    }
    while (conversion->next_end < conversion->stream_count) {
        struct stream *stream = &conversion->streams[conversion->next_end++];

        if (!stream->is_begun)
            continue;
        if (stream->packet != NULL)
            end_packet(conversion, stream, stream->last_ns);
        push(conversion, bt_message_stream_end_create(conversion->iterator, stream->stream));
        return TRUE;
    }
    return FALSE;
}

static bt_message_iterator_class_next_method_status next(bt_self_message_iterator *iterator,
                                                         bt_message_array_const messages,
                                                         uint64_t capacity, uint64_t *count)
{
    struct conversion *conversion =
        bt_self_component_get_data(bt_self_message_iterator_borrow_component(iterator));

    conversion->iterator = iterator;
    *count = 0;
    while (*count < capacity) {
        if (g_queue_is_empty(&conversion->messages) && !make_messages(conversion))
            break;
        if (!g_queue_is_empty(&conversion->messages))
            messages[(*count)++] = g_queue_pop_head(&conversion->messages);
    }
    return *count > 0 ? BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_OK
                      : BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_END;
}

/* ---- The graph ---- */

static const bt_component_source *add_source(struct conversion *conversion, bt_graph *graph)
{
    bt_message_iterator_class *iterator_class = bt_message_iterator_class_create(next);
    bt_component_class_source *class = bt_component_class_source_create("ctrace", iterator_class);
    const bt_component_source *source = NULL;

    bt_component_class_source_set_initialize_method(class, initialize_source);
    bt_graph_add_source_component_with_initialize_method_data(
        graph, class, "kernel", NULL, conversion, BT_LOGGING_LEVEL_NONE, &source);
    bt_component_class_source_put_ref(class);
    bt_message_iterator_class_put_ref(iterator_class);
    return source;
}

static const bt_component_sink *add_sink(bt_graph *graph, const char *path)
{
    const bt_plugin *plugin = NULL;
    const bt_component_sink *sink = NULL;
    bt_value *parameters = bt_value_map_create();

    if (bt_plugin_find("ctf", BT_TRUE, BT_TRUE, BT_TRUE, BT_TRUE, BT_FALSE, &plugin) ==
        BT_PLUGIN_FIND_STATUS_OK) {
        bt_value_map_insert_string_entry(parameters, "path", path);
        bt_value_map_insert_bool_entry(parameters, "assume-single-trace", BT_TRUE);
        bt_value_map_insert_bool_entry(parameters, "quiet", BT_TRUE);
        bt_graph_add_sink_component(
            graph, bt_plugin_borrow_sink_component_class_by_name_const(plugin, "fs"), "ctf",
            parameters, BT_LOGGING_LEVEL_NONE, &sink);
        bt_plugin_put_ref(plugin);
    }
    bt_value_put_ref(parameters);
    return sink;
}

static void clear(struct conversion *conversion)
{
    bt_message *message;

    while ((message = g_queue_pop_head(&conversion->messages)) != NULL)
        bt_message_put_ref(message);
    for (guint i = 0; i < conversion->stream_count; i++) {
        bt_packet_put_ref(conversion->streams[i].packet);
        bt_stream_put_ref(conversion->streams[i].stream);
    }
    ct_event_classes_free(conversion->classes);
    g_free(conversion->streams);
}

static gboolean has_metadata(const char *path)
{
    g_autofree char *metadata = g_build_filename(path, "metadata", NULL);
    struct stat status;

    return stat(metadata, &status) == 0 && status.st_size > 0;
}

static gboolean has_written(const struct conversion *conversion)
{
    for (guint i = 0; i < conversion->stream_count; i++) {
        if (conversion->streams[i].is_begun)
            return TRUE;
    }
    return FALSE;
}

/* Makes the folder that the trace is written in anew, and gives up whatever else the recorder may
 * do: the spool and the files that it names are of programs that are not trusted. */
static gboolean confine(const char *folder, GError **error)
{
    const struct ct_sandbox sandbox = {
        .writable = folder, .must_write = TRUE, .memory_bytes = MEMORY_MAX};

    ct_tree_remove(folder); /* half of one, from a recorder that was killed */
    if (mkdir(folder, 0700) == 0)
        return ct_sandbox_enter(&sandbox, error);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot make %s: %s", folder,
                g_strerror(errno));
    return FALSE;
}

/* NULL, or what babeltrace2 says went wrong, which it then forgets. */
static char *run_graph(struct conversion *conversion, const char *path)
{
    bt_graph *graph = bt_graph_create(0);
    const bt_component_source *source = add_source(conversion, graph);
    const bt_component_sink *sink = add_sink(graph, path);
    gboolean is_done = source != NULL && sink != NULL &&
                       bt_graph_connect_ports(
                           graph, bt_component_source_borrow_output_port_by_index_const(source, 0),
                           bt_component_sink_borrow_input_port_by_index_const(sink, 0),
                           NULL) == BT_GRAPH_CONNECT_PORTS_STATUS_OK &&
                       bt_graph_run(graph) == BT_GRAPH_RUN_STATUS_OK;
    gboolean is_any = has_written(conversion);

    clear(conversion);
    bt_graph_put_ref(graph); /* writes the metadata */
    const bt_error *error = bt_current_thread_take_error();
    char *why_not = NULL;

    if (error != NULL) {
        why_not = g_strdup(bt_error_cause_get_message(bt_error_borrow_cause_by_index(error, 0)));
        bt_error_release(error);
    } else if (!is_done) {
        why_not = g_strdup("babeltrace2's plugin 'ctf' does not work");
    } else if (is_any && !has_metadata(path)) {
        why_not = g_strdup("babeltrace2 wrote no metadata; is the disk full?");
    }
    return why_not;
}

gboolean ct_kernel_convert(const char *path, const struct ct_kernel_scope *scope,
                           struct ct_kernel_totals *totals, GError **error)
{
    g_autofree char *folder = g_build_filename(path, CT_SPOOL_CONVERTED, NULL);
    g_autofree char *kernel = g_build_filename(path, CT_SPOOL_KERNEL, NULL);

    *totals = (struct ct_kernel_totals){0};
    if (!confine(folder, error))
        return FALSE;
    struct conversion conversion = {
        .deserted_until_ns = scope->deserted_until_ns,
        .events = ct_kernel_events_open(path, scope),
        .samples = ct_kernel_samples_open(path, scope),
        .totals = totals,
        .messages = G_QUEUE_INIT,
    };

    if (conversion.events == NULL && conversion.samples == NULL)
        return TRUE;
    ct_trace_clock_read(path, &conversion.clock);
    if (conversion.events != NULL)
        conversion.sample_stream = ct_kernel_events_cpu_count(conversion.events);
    conversion.stream_count = conversion.sample_stream;
    if (conversion.samples != NULL)
        conversion.stream_count += ct_kernel_samples_cpu_count(conversion.samples);
    conversion.streams = g_new0(struct stream, conversion.stream_count);
    g_autofree char *why_not = run_graph(&conversion, kernel);
    if (conversion.events != NULL) {
        totals->unpreloaded_processes = ct_kernel_events_unpreloaded_images(conversion.events);
        totals->unpreloaded_names = ct_kernel_events_unpreloaded_names(conversion.events);
        totals->unpreloaded_threads = ct_kernel_events_unpreloaded_threads(conversion.events);
    }
    ct_kernel_events_free(conversion.events);
    ct_kernel_samples_free(conversion.samples);
    if (why_not == NULL)
        return TRUE;
    *totals = (struct ct_kernel_totals){0};
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot write %s: %s", kernel, why_not);
    return FALSE;
}
