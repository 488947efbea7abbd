#include "source/merge.h"

#include "ingest/ingest.h"

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
    uint64_t rank;         /* decides between equal times */
    uint32_t cpu;          /* of the current packet, if it is the kernel's */
    gboolean has_calls;    /* of the kernel's system calls it has told already */
    gboolean has_switches; /* and of what the scheduler did */
};

struct ct_merge {
    struct ct_merge_events events;
    struct ct_merge_result result;
    struct ct_decoder *decoder; /* owned */
    GArray *streams;            /* owned; struct stream, a heap by time */
    guint input_count;
    GPtrArray *traces; /* owned; for each input the name of its source */
    uint64_t packets_read;
    gboolean has_clock;
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

    if (error && !merge->result.damage)
        merge->result.damage = first_cause(error);
    if (error)
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

    merge->has_clock = TRUE;
    bt_clock_class_get_offset(clock, &seconds, &cycles);
    if (!__builtin_mul_overflow(seconds, INT64_C(1000000000), &offset_ns) &&
        !__builtin_add_overflow(offset_ns, cycles, &offset_ns))
        merge->result.epoch_offset_ns = offset_ns;
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
static void tell_loss(const struct ct_merge *merge, const struct stream *stream,
                      const bt_message *message)
{
    const struct ct_kernel_loss loss = {
        .begin_ns = bt_clock_snapshot_get_value(
            bt_message_discarded_events_borrow_beginning_default_clock_snapshot_const(message)),
        .end_ns = bt_clock_snapshot_get_value(
            bt_message_discarded_events_borrow_end_default_clock_snapshot_const(message)),
        .cpu = stream->cpu,
        .has_calls = stream->has_calls || !stream->has_switches,
        .has_switches = stream->has_switches || !stream->has_calls,
    };

    merge->events.on_loss(merge->events.user, &loss);
}

static void take_loss(struct ct_merge *merge, struct stream *stream, const bt_message *message)
{
    const bt_stream *of = bt_message_discarded_events_borrow_stream_const(message);
    uint64_t count = 0;
    bt_property_availability availability = bt_message_discarded_events_get_count(message, &count);

    if (has_class(of, CT_PROVIDER ":")) {
        add_lost(&merge->result.events_lost, availability, &count);
        return;
    }
    if (has_class(of, CT_KERNEL_SAMPLE_NAME)) {
        add_lost(&merge->result.samples_lost, availability, &count);
        return;
    }
    add_lost(&merge->result.kernel_events_lost, availability, &count);
    if (bt_stream_class_discarded_events_have_default_clock_snapshots(
            bt_stream_borrow_class_const(of)))
        tell_loss(merge, stream, message);
}

static void take_packet(struct stream *stream, const bt_message *message)
{
    const bt_packet *packet = bt_message_packet_beginning_borrow_packet_const(message);
    const bt_field *context = bt_packet_borrow_context_field_const(packet);
    const bt_field *cpu =
        context ? bt_field_structure_borrow_member_field_by_name_const(context, CT_KERNEL_CPU_FIELD)
                : NULL;

    if (cpu &&
        bt_field_class_type_is(bt_field_get_class_type(cpu), BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
        stream->cpu = (uint32_t)bt_field_integer_unsigned_get_value(cpu);
}

static void note_contents(struct stream *stream, enum ct_kernel_event event)
{
    switch (event) {
    case CT_KERNEL_ID_SYSCALL_ENTRY:
    case CT_KERNEL_ID_SYSCALL_EXIT:
    case CT_KERNEL_ID_CALLSTACK_USER:
        stream->has_calls = TRUE;
        break;
    case CT_KERNEL_ID_SCHED_SWITCH:
    case CT_KERNEL_ID_SCHED_WAKING:
    case CT_KERNEL_ID_CONTEXT_SWITCH:
        stream->has_switches = TRUE;
        break;
    default:
        break;
    }
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
        take_packet(stream, message);
        return FALSE;
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
        add_lost(&merge->result.packets_lost,
                 bt_message_discarded_packets_get_count(message, &count), &count);
        return FALSE;
    case BT_MESSAGE_TYPE_PACKET_END:
        merge->events.on_packet(merge->events.user, ++merge->packets_read);
        return FALSE;
    default:
        return FALSE;
    }

    const bt_event *event = bt_message_event_borrow_event_const(message);
    const bt_event_class *event_class = bt_event_borrow_class_const(event);
    const struct ct_decode_class *class = ct_decoder_find(merge->decoder, event_class);

    merge->result.event_count++;
    if (ct_decode_class_kind(class) != CT_DECODE_KNOWN &&
        ct_decode_class_kind(class) != CT_DECODE_KERNEL) {
        merge->result.unknown_events += ct_decode_class_kind(class) == CT_DECODE_UNKNOWN;
        return FALSE;
    }
    if (!merge->has_clock)
        read_clock(merge, event_class);
    if (ct_decode_class_kind(class) == CT_DECODE_KERNEL)
        note_contents(stream, ct_decode_class_kernel_event(class));
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
        merge->events.on_trace(merge->events.user, stream->trace);
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

static void close_stream(struct stream *stream)
{
    while (stream->next < stream->message_count)
        bt_message_put_ref(stream->messages[stream->next++]);
    bt_message_iterator_put_ref(stream->iterator);
}

static inline gboolean is_before(const struct stream *a, const struct stream *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->rank < b->rank;
}

static void sift_down(GArray *heap, guint at)
{
    struct stream *streams = (struct stream *)(void *)heap->data;

    for (;;) {
        guint first = at;

        for (guint child = 2 * at + 1; child <= 2 * at + 2 && child < heap->len; child++) {
            if (is_before(&streams[child], &streams[first]))
                first = child;
        }
        if (first == at)
            return;
        struct stream moved = streams[at];

        streams[at] = streams[first];
        streams[first] = moved;
        at = first;
    }
}

static void start(struct ct_merge *merge)
{
    for (guint i = 0; i < merge->streams->len;) {
        struct stream *stream = &g_array_index(merge->streams, struct stream, i);

        if (advance(merge, stream)) {
            i++;
        } else {
            close_stream(stream);
            g_array_remove_index_fast(merge->streams, i);
        }
    }
    for (guint i = merge->streams->len / 2; i-- > 0;)
        sift_down(merge->streams, i);
    merge->is_started = TRUE;
}

static bt_component_class_sink_consume_method_status consume(bt_self_component_sink *self)
{
    struct ct_merge *merge =
        bt_self_component_get_data(bt_self_component_sink_as_self_component(self));
    struct ct_record record;

    if (!merge->is_started)
        start(merge);
    for (unsigned turn = 0; turn < EVENTS_PER_TURN; turn++) {
        if (merge->streams->len == 0)
            return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_END;
        struct stream *first = &g_array_index(merge->streams, struct stream, 0);

        ct_decoder_read(merge->decoder, first->class, first->event, first->time_ns, &record);
        if (record.event == CT_EVENT_COUNT) {
            record.as.kernel.cpu = first->cpu;
        } else {
            merge->result.first_ns = MIN(merge->result.first_ns, record.time_ns);
            merge->result.last_ns = MAX(merge->result.last_ns, record.time_ns);
        }
        if (!merge->events.on_record(merge->events.user, &record))
            return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_END;
        if (!advance(merge, first)) {
            close_stream(first);
            g_array_remove_index_fast(merge->streams, 0);
        }
        if (merge->streams->len > 0)
            sift_down(merge->streams, 0);
    }
    return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_OK;
}

static bt_component_class_sink_graph_is_configured_method_status
open_streams(bt_self_component_sink *self)
{
    struct ct_merge *merge =
        bt_self_component_get_data(bt_self_component_sink_as_self_component(self));

    for (guint i = 0; i < merge->input_count; i++) {
        struct stream stream = {.rank = i, .trace = g_ptr_array_index(merge->traces, i)};

        merge->events.on_trace(merge->events.user, stream.trace);
        bt_message_iterator_create_from_sink_component_status status =
            bt_message_iterator_create_from_sink_component(
                self, bt_self_component_sink_borrow_input_port_by_index(self, i), &stream.iterator);

        if (status != BT_MESSAGE_ITERATOR_CREATE_FROM_SINK_COMPONENT_STATUS_OK) {
            note_damage(merge);
            continue;
        }
        g_array_append_val(merge->streams, stream);
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
    for (guint i = 0; i < merge->input_count; i++) {
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

    for (guint i = 0; i < merge->streams->len; i++)
        close_stream(&g_array_index(merge->streams, struct stream, i));
    g_array_set_size(merge->streams, 0);
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

static void add_inputs(struct ct_merge *merge, const bt_component_source *source)
{
    const char *name = bt_component_get_name(bt_component_source_as_component_const(source));
    uint64_t port_count = bt_component_source_get_output_port_count(source);

    for (uint64_t port = 0; port < port_count; port++)
        g_ptr_array_add(merge->traces, (void *)name);
    merge->input_count = merge->traces->len;
}

gboolean ct_merge_connect(struct ct_merge *merge, bt_graph *graph, GPtrArray *sources,
                          GError **error)
{
    const bt_component_sink *sink;
    guint input = 0;

    for (guint i = 0; i < sources->len; i++)
        add_inputs(merge, g_ptr_array_index(sources, i));
    sink = add_sink(merge, graph);
    for (guint i = 0; sink && i < sources->len; i++) {
        const bt_component_source *source = g_ptr_array_index(sources, i);
        uint64_t port_count = bt_component_source_get_output_port_count(source);

        for (uint64_t port = 0; port < port_count; port++) {
            if (bt_graph_connect_ports(
                    graph, bt_component_source_borrow_output_port_by_index_const(source, port),
                    bt_component_sink_borrow_input_port_by_index_const(sink, input++),
                    NULL) != BT_GRAPH_CONNECT_PORTS_STATUS_OK)
                sink = NULL;
            if (!sink)
                break;
        }
    }
    if (sink)
        return TRUE;
    g_autofree char *message = ct_take_babeltrace_error();

    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                "cannot set up babeltrace2's graph: %s", message);
    return FALSE;
}

const struct ct_merge_result *ct_merge_result(const struct ct_merge *merge)
{
    return &merge->result;
}

struct ct_merge *ct_merge_new(const struct ct_merge_events *events)
{
    struct ct_merge *merge = g_new0(struct ct_merge, 1);

    merge->events = *events;
    merge->result.first_ns = UINT64_MAX;
    merge->decoder = ct_decoder_new();
    merge->streams = g_array_new(FALSE, FALSE, sizeof(struct stream));
    merge->traces = g_ptr_array_new();
    return merge;
}

void ct_merge_free(struct ct_merge *merge)
{
    ct_decoder_free(merge->decoder);
    g_array_unref(merge->streams);
    g_ptr_array_unref(merge->traces);
    g_free(merge->result.damage);
    g_free(merge);
}
