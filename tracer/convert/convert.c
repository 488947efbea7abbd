#include "convert.h"

#include "files/tree.h"
#include "messages.h"
#include "sandbox/sandbox.h"
#include "spool/spool.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define NS_PER_S UINT64_C(1000000000)

/* Enough for the unwind tables of the largest programs, and for the lives of a million threads. */
#define MEMORY_MAX (UINT64_C(8) << 30)

/* ---- The source ---- */

static bt_clock_class *create_clock_class(const struct ct_conversion *conversion,
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
    struct ct_conversion *conversion = data;
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

/* ---- The graph ---- */

static bt_message_iterator_class_next_method_status next(bt_self_message_iterator *iterator,
                                                         bt_message_array_const messages,
                                                         uint64_t capacity, uint64_t *count)
{
    struct ct_conversion *conversion =
        bt_self_component_get_data(bt_self_message_iterator_borrow_component(iterator));

    conversion->iterator = iterator;
    *count = 0;
    while (*count < capacity) {
        if (g_queue_is_empty(&conversion->messages) && !ct_messages_make(conversion))
            break;
        if (!g_queue_is_empty(&conversion->messages))
            messages[(*count)++] = g_queue_pop_head(&conversion->messages);
    }
    return *count > 0 ? BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_OK
                      : BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_END;
}

static const bt_component_source *add_source(struct ct_conversion *conversion, bt_graph *graph)
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

static void clear(struct ct_conversion *conversion)
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

static gboolean has_written(const struct ct_conversion *conversion)
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
static char *run_graph(struct ct_conversion *conversion, const char *path)
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
    struct ct_conversion conversion = {
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
    conversion.streams = g_new0(struct ct_conversion_stream, conversion.stream_count);
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
