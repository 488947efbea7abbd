#include "source/babeltrace_merge.h"

#include "model/model.h"
#include "source/error.h"
#include "source/fields.h"
#include "source/heap.h"
#include "source/wait_columns.h"

/* Events that one call of the graph hands on. */
#define EVENTS_PER_TURN 4096

struct stream {
    bt_message_iterator *iterator;   /* owned */
    bt_message_array_const messages; /* owned are those from `next` on */
    uint64_t message_count;
    uint64_t next;
    const char *trace;     /* borrowed; the name of its source */
    const bt_event *event; /* borrowed from messages[next] */
    const struct ct_decode_class *class;
    uint64_t time_ns;
    uint32_t cpu;          /* of the current packet, if it is the kernel's */
    gboolean has_calls;    /* of the kernel's system calls it has told already */
    gboolean has_switches; /* and of what the scheduler did */
    gboolean has_loss;     /* before the packet that comes next: only that says of which CPU */
    struct ct_kernel_loss loss;
};

/* An output of a source. */
struct input {
    const bt_port_output *port; /* borrowed */
    const char *trace;          /* borrowed; the name of its source */
    const char *name;           /* borrowed; the port's: trace, class of the stream, instance */
};

struct ct_merge {
    const struct ct_source_events *events; /* borrowed */
    struct ct_source_result *result;       /* borrowed */
    struct ct_decoder *decoder;            /* owned */
    GArray *inputs;                        /* owned; struct input */
    struct stream *streams;                /* owned; one for each input, by rank */
    struct ct_heap_entry *heap;            /* owned */
    guint heap_count;
    gboolean is_started; /* every stream has its first event */
};

/* Where it happened; the other causes are its callers. */
static char *first_cause(const bt_error *error)
{
    return g_strdup(bt_error_cause_get_message(bt_error_borrow_cause_by_index(error, 0)));
}

char *ct_take_babeltrace_error(void)
{
    const bt_error *error = bt_current_thread_take_error();
    char *message;

    if (!error)
        return g_strdup("unknown error");
    message = first_cause(error);
    bt_error_release(error);
    return message;
}

/* Takes babeltrace2's error, if there is one. */
static void note_damage(struct ct_merge *merge)
{
    const bt_error *error = bt_current_thread_take_error();

    if (!error)
        return;
    ct_source_note_damage(merge->result, first_cause(error));
    bt_error_release(error);
}

static void add_lost(uint64_t *total, bt_property_availability availability, const uint64_t *count)
{
    *total = ct_add_u64(*total, availability == BT_PROPERTY_AVAILABILITY_AVAILABLE ? *count : 1);
}

static void read_clock(struct ct_merge *merge, const bt_event_class *event_class)
{
    const bt_clock_class *clock = bt_stream_class_borrow_default_clock_class_const(
        bt_event_class_borrow_stream_class_const(event_class));
    int64_t seconds;
    uint64_t cycles;
    int64_t offset_ns;

    merge->result->has_clock = TRUE;
    bt_clock_class_get_offset(clock, &seconds, &cycles);
    if (!__builtin_mul_overflow(seconds, INT64_C(1000000000), &offset_ns) &&
        !__builtin_add_overflow(offset_ns, cycles, &offset_ns))
        merge->result->epoch_offset_ns = offset_ns;
}

/* An event whose name begins so can be in the stream. */
static gboolean has_class(const bt_stream *stream, const char *prefix)
{
    const bt_stream_class *class = bt_stream_borrow_class_const(stream);

    for (uint64_t i = 0; i < bt_stream_class_get_event_class_count(class); i++) {
        const char *name =
            bt_event_class_get_name(bt_stream_class_borrow_event_class_by_index_const(class, i));

        if (name && g_str_has_prefix(name, prefix))
            return TRUE;
    }
    return FALSE;
}

/* A ring of system calls and one of the scheduler's are two streams: each loses its own. */
static void note_loss(struct stream *stream, const bt_message *message)
{
    stream->has_loss = TRUE;
    stream->loss = (struct ct_kernel_loss){
        .begin_ns = bt_clock_snapshot_get_value(
            bt_message_discarded_events_borrow_beginning_default_clock_snapshot_const(message)),
        .end_ns = bt_clock_snapshot_get_value(
            bt_message_discarded_events_borrow_end_default_clock_snapshot_const(message)),
        .has_calls = stream->has_calls || !stream->has_switches,
        .has_switches = stream->has_switches || !stream->has_calls,
    };
}

static void take_loss(struct ct_merge *merge, struct stream *stream, const bt_message *message)
{
    const bt_stream *of = bt_message_discarded_events_borrow_stream_const(message);
    uint64_t count = 0;
    bt_property_availability availability = bt_message_discarded_events_get_count(message, &count);

    if (has_class(of, CT_PROVIDER ":")) {
        add_lost(&merge->result->events_lost, availability, &count);
        return;
    }
    if (has_class(of, CT_KERNEL_SAMPLE_NAME)) {
        add_lost(&merge->result->samples_lost, availability, &count);
        return;
    }
    add_lost(&merge->result->kernel_events_lost, availability, &count);
    if (bt_stream_class_discarded_events_have_default_clock_snapshots(
            bt_stream_borrow_class_const(of)))
        note_loss(stream, message);
}

static void take_packet(const struct ct_merge *merge, struct stream *stream,
                        const bt_message *message)
{
    const bt_packet *packet = bt_message_packet_beginning_borrow_packet_const(message);
    const bt_field *context = bt_packet_borrow_context_field_const(packet);
    const bt_field *cpu =
        context ? bt_field_structure_borrow_member_field_by_name_const(context, CT_KERNEL_CPU_FIELD)
                : NULL;

    if (cpu &&
        bt_field_class_type_is(bt_field_get_class_type(cpu), BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
        stream->cpu = (uint32_t)bt_field_integer_unsigned_get_value(cpu);
    if (!stream->has_loss)
        return;
    stream->has_loss = FALSE;
    stream->loss.cpu = stream->cpu;
    merge->events->on_loss(merge->events->user, &stream->loss);
}

/* TRUE if the message is an event for us, which then is the stream's current one. */
static gboolean take_message(struct ct_merge *merge, struct stream *stream,
                             const bt_message *message)
{
    uint64_t count = 0;

    switch (bt_message_get_type(message)) {
    case BT_MESSAGE_TYPE_EVENT:
        break;
    case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
        take_loss(merge, stream, message);
        return FALSE;
    case BT_MESSAGE_TYPE_PACKET_BEGINNING:
        take_packet(merge, stream, message);
        return FALSE;
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
        add_lost(&merge->result->packets_lost,
                 bt_message_discarded_packets_get_count(message, &count), &count);
        return FALSE;
    case BT_MESSAGE_TYPE_PACKET_END:
        merge->events->on_packet(merge->events->user, ++merge->result->packets_read);
        return FALSE;
    default:
        return FALSE;
    }

    const bt_event *event = bt_message_event_borrow_event_const(message);
    const bt_event_class *event_class = bt_event_borrow_class_const(event);
    const struct ct_decode_class *class = ct_decoder_find(merge->decoder, event_class);

    merge->result->event_count++;
    if (ct_decode_class_kind(class) != CT_DECODE_KNOWN &&
        ct_decode_class_kind(class) != CT_DECODE_KERNEL) {
        merge->result->unknown_events += ct_decode_class_kind(class) == CT_DECODE_UNKNOWN;
        return FALSE;
    }
    if (!merge->result->has_clock)
        read_clock(merge, event_class);
    if (ct_decode_class_kind(class) == CT_DECODE_KERNEL) {
        enum ct_kernel_event kernel_event = ct_decode_class_kernel_event(class);

        stream->has_calls |= ct_kernel_event_is_of_calls(kernel_event);
        stream->has_switches |= ct_kernel_event_is_of_switches(kernel_event);
    }
    stream->event = event;
    stream->class = class;
    stream->time_ns =
        bt_clock_snapshot_get_value(bt_message_event_borrow_default_clock_snapshot_const(message));
    return TRUE;
}

/* Puts the current message, if any, and goes on to the stream's next event. FALSE: no more. */
static gboolean advance(struct ct_merge *merge, struct stream *stream)
{
    if (stream->event) {
        stream->event = NULL;
        bt_message_put_ref(stream->messages[stream->next++]);
    }
    for (;;) {
        while (stream->next < stream->message_count) {
            if (take_message(merge, stream, stream->messages[stream->next]))
                return TRUE;
            bt_message_put_ref(stream->messages[stream->next++]);
        }
        bt_message_iterator_next_status status;

        stream->next = 0;
        stream->message_count = 0;
        merge->events->on_trace(merge->events->user, stream->trace);
        do {
            status = bt_message_iterator_next(stream->iterator, &stream->messages,
                                              &stream->message_count);
        } while (status == BT_MESSAGE_ITERATOR_NEXT_STATUS_AGAIN);
        /* Of an event that its packet cuts off babeltrace2 makes an error, but no failure; and it
         * aborts if the error is still there when it goes on. */
        note_damage(merge);
        if (status != BT_MESSAGE_ITERATOR_NEXT_STATUS_OK) {
            stream->message_count = 0;
            return FALSE;
        }
    }
}

/* May be closed already. */
static void close_stream(struct stream *stream)
{
    while (stream->next < stream->message_count)
        bt_message_put_ref(stream->messages[stream->next++]);
    g_clear_pointer(&stream->iterator, bt_message_iterator_put_ref);
}

static void start(struct ct_merge *merge)
{
    for (guint i = 0; i < merge->inputs->len; i++) {
        struct stream *stream = &merge->streams[i];

        if (!stream->iterator)
            continue;
        if (advance(merge, stream))
            merge->heap[merge->heap_count++] =
                (struct ct_heap_entry){.time_ns = stream->time_ns, .rank = i, .stream = stream};
        else
            close_stream(stream);
    }
    ct_heap_build(merge->heap, merge->heap_count);
    merge->is_started = TRUE;
}

/* FALSE: it was stopped. */
static gboolean hand_on(struct ct_merge *merge, struct stream *stream)
{
    struct ct_record record;

    ct_decoder_read(merge->decoder, stream->class, stream->event, stream->time_ns, &record);
    if (record.event == CT_EVENT_COUNT)
        record.as.kernel.cpu = stream->cpu;
    else
        ct_source_note_time(merge->result, record.time_ns);
    return ct_source_hand_on(merge->events, &record);
}

static bt_component_class_sink_consume_method_status consume(bt_self_component_sink *self)
{
    struct ct_merge *merge =
        bt_self_component_get_data(bt_self_component_sink_as_self_component(self));

    if (!merge->is_started)
        start(merge);
    for (unsigned turn = 0; turn < EVENTS_PER_TURN; turn++) {
        if (merge->heap_count == 0)
            return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_END;
        struct stream *first = merge->heap[0].stream;

        if (!hand_on(merge, first))
            return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_END;
        if (advance(merge, first)) {
            merge->heap[0].time_ns = first->time_ns;
            ct_heap_sift_down(merge->heap, merge->heap_count, 0);
        } else {
            close_stream(first);
            ct_heap_remove_first(merge->heap, &merge->heap_count);
        }
    }
    return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_OK;
}

static bt_component_class_sink_graph_is_configured_method_status
open_streams(bt_self_component_sink *self)
{
    struct ct_merge *merge =
        bt_self_component_get_data(bt_self_component_sink_as_self_component(self));

    for (guint i = 0; i < merge->inputs->len; i++) {
        struct stream *stream = &merge->streams[i];

        stream->trace = g_array_index(merge->inputs, struct input, i).trace;
        merge->events->on_trace(merge->events->user, stream->trace);
        bt_message_iterator_create_from_sink_component_status status =
            bt_message_iterator_create_from_sink_component(
                self, bt_self_component_sink_borrow_input_port_by_index(self, i),
                &stream->iterator);

        if (status != BT_MESSAGE_ITERATOR_CREATE_FROM_SINK_COMPONENT_STATUS_OK)
            note_damage(merge);
    }
    return BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_OK;
}

static bt_component_class_initialize_method_status
initialize(bt_self_component_sink *self, bt_self_component_sink_configuration *configuration,
           const bt_value *parameters, void *data)
{
    struct ct_merge *merge = data;

    (void)configuration;
    (void)parameters;
    bt_self_component_set_data(bt_self_component_sink_as_self_component(self), merge);
    for (guint i = 0; i < merge->inputs->len; i++) {
        g_autofree char *name = g_strdup_printf("in%u", i);

        if (bt_self_component_sink_add_input_port(self, name, NULL, NULL) !=
            BT_SELF_COMPONENT_ADD_PORT_STATUS_OK)
            return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
    }
    return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

/* Iterators must go before the graph does. */
static void finalize(bt_self_component_sink *self)
{
    struct ct_merge *merge =
        bt_self_component_get_data(bt_self_component_sink_as_self_component(self));

    for (guint i = 0; i < merge->inputs->len; i++)
        close_stream(&merge->streams[i]);
    merge->heap_count = 0;
}

static const bt_component_sink *add_sink(struct ct_merge *merge, bt_graph *graph)
{
    bt_component_class_sink *class = bt_component_class_sink_create("ctrace", consume);
    const bt_component_sink *sink = NULL;

    if (!class)
        return NULL;
    bt_component_class_sink_set_initialize_method(class, initialize);
    bt_component_class_sink_set_finalize_method(class, finalize);
    bt_component_class_sink_set_graph_is_configured_method(class, open_streams);
    bt_graph_add_sink_component_with_initialize_method_data(graph, class, "ctrace", NULL, merge,
                                                            BT_LOGGING_LEVEL_NONE, &sink);
    bt_component_class_sink_put_ref(class);
    return sink;
}

static int compare_inputs(const void *a, const void *b)
{
    return strcmp(((const struct input *)a)->name, ((const struct input *)b)->name);
}

/* babeltrace2 has the ports in the order in which a folder lists its files, which is none. */
static void add_inputs(struct ct_merge *merge, const bt_component_source *source)
{
    const char *trace = bt_component_get_name(bt_component_source_as_component_const(source));
    uint64_t port_count = bt_component_source_get_output_port_count(source);
    guint before = merge->inputs->len;

    for (uint64_t i = 0; i < port_count; i++) {
        const bt_port_output *port =
            bt_component_source_borrow_output_port_by_index_const(source, i);
        struct input input = {.port = port,
                              .trace = trace,
                              .name = bt_port_get_name(bt_port_output_as_port_const(port))};

        g_array_append_val(merge->inputs, input);
    }
    if (merge->inputs->len > before)
        qsort((struct input *)(void *)merge->inputs->data + before, merge->inputs->len - before,
              sizeof(struct input), compare_inputs);
}

gboolean ct_merge_connect(struct ct_merge *merge, bt_graph *graph, GPtrArray *sources,
                          GError **error)
{
    const bt_component_sink *sink;
    gboolean is_connected;

    for (guint i = 0; i < sources->len; i++)
        add_inputs(merge, g_ptr_array_index(sources, i));
    merge->streams = g_new0(struct stream, merge->inputs->len);
    merge->heap = g_new0(struct ct_heap_entry, merge->inputs->len);
    sink = add_sink(merge, graph);
    is_connected = sink != NULL;
    for (guint i = 0; is_connected && i < merge->inputs->len; i++) {
        is_connected =
            bt_graph_connect_ports(graph, g_array_index(merge->inputs, struct input, i).port,
                                   bt_component_sink_borrow_input_port_by_index_const(sink, i),
                                   NULL) == BT_GRAPH_CONNECT_PORTS_STATUS_OK;
    }
    if (is_connected)
        return TRUE;
    g_autofree char *message = ct_take_babeltrace_error();

    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                "cannot set up babeltrace2's graph: %s", message);
    return FALSE;
}

struct ct_merge *ct_merge_new(const struct ct_source_events *events,
                              struct ct_source_result *result)
{
    struct ct_merge *merge = g_new0(struct ct_merge, 1);

    merge->events = events;
    merge->result = result;
    merge->decoder = ct_decoder_new();
    merge->inputs = g_array_new(FALSE, FALSE, sizeof(struct input));
    return merge;
}

void ct_merge_free(struct ct_merge *merge)
{
    ct_decoder_free(merge->decoder);
    g_array_unref(merge->inputs);
    g_free(merge->streams);
    g_free(merge->heap);
    g_free(merge);
}
