#include "ingest/ingest.h"

#include "assemble/assemble.h"
#include "source/merge.h"
#include "source/packets.h"
#include "source/salvage.h"
#include "source/traces.h"

G_DEFINE_QUARK(ct - ingest - error - quark, ct_ingest_error)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(bt_graph, bt_graph_put_ref)

/* One reading of a trace. */
struct reading {
    const char *directory;          /* borrowed */
    struct ct_activity *activity;   /* borrowed; or NULL */
    gboolean is_search;             /* on behalf of another reading */
    struct ct_assembler *assembler; /* owned */
    struct ct_merge *merge;         /* owned */
    GPtrArray *salvages;            /* owned; struct ct_salvage * */
    uint64_t record_count;
    guint64 packet_count;        /* that there are to read */
    const struct ct_sink *sinks; /* borrowed */
    size_t sink_count;
    char *damage;  /* owned; what of the traces could not be opened, or NULL */
    GError *error; /* owned; why the reading was stopped, or NULL */
};

static uint64_t find_rate(void *user);

static void free_salvage(void *salvage)
{
    ct_salvage_free(salvage);
}

static gboolean on_record(void *user, const struct ct_record *record)
{
    struct reading *reading = user;

    reading->record_count += record->event != CT_EVENT_COUNT;
    return ct_assembler_add(reading->assembler, record, &reading->error);
}

static void on_loss(void *user, const struct ct_kernel_loss *loss)
{
    struct reading *reading = user;

    ct_assembler_lose(reading->assembler, loss);
}

static void on_packet(void *user, uint64_t packets_read)
{
    struct reading *reading = user;
    double share =
        reading->packet_count > 0 ? (double)packets_read / (double)reading->packet_count : 0;

    for (size_t i = 0; i < reading->sink_count; i++) {
        if (reading->sinks[i].on_progress)
            reading->sinks[i].on_progress(reading->sinks[i].user, MIN(share, 1.0));
    }
    ct_activity_step(reading->activity);
}

static void on_trace(void *user, const char *name)
{
    struct reading *reading = user;

    ct_activity_turn_to(reading->activity, name);
}

static const bt_component_class_source *find_source_class(const bt_plugin **plugin, GError **error)
{
    const bt_component_class_source *class = NULL;

    if (bt_plugin_find("ctf", BT_TRUE, BT_TRUE, BT_TRUE, BT_TRUE, BT_FALSE, plugin) ==
        BT_PLUGIN_FIND_STATUS_OK)
        class = bt_plugin_borrow_source_component_class_by_name_const(*plugin, "fs");
    if (!class)
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                    "babeltrace2's plugin 'ctf' was not found: install babeltrace2, or check "
                    "BABELTRACE_PLUGIN_PATH");
    return class;
}

/* NULL if the trace cannot be opened: the error is babeltrace2's. */
static const bt_component_source *
add_source(bt_graph *graph, const bt_component_class_source *class, const char *path)
{
    const bt_component_source *source = NULL;
    bt_value *parameters = bt_value_map_create();
    bt_value *inputs = NULL;

    if (parameters &&
        bt_value_map_insert_empty_array_entry(parameters, "inputs", &inputs) ==
            BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK &&
        bt_value_array_append_string_element(inputs, path) ==
            BT_VALUE_ARRAY_APPEND_ELEMENT_STATUS_OK)
        bt_graph_add_source_component(graph, class, path, parameters, BT_LOGGING_LEVEL_NONE,
                                      &source);
    bt_value_put_ref(parameters);
    return source;
}

static void note_damage(struct reading *reading, char *damage)
{
    if (!reading->damage)
        reading->damage = damage;
    else
        g_free(damage);
}

/* Has the trace at `index` replaced by what is whole of it, or left out. FALSE: left out. */
static gboolean replace_trace(GPtrArray *traces, guint index, struct reading *reading)
{
    struct ct_salvage *salvage;

    salvage = ct_salvage_new(g_ptr_array_index(traces, index));

    if (!salvage) {
        note_damage(reading, g_strdup_printf("%s: no room for what is whole of it in '%s'",
                                             (char *)traces->pdata[index], g_get_tmp_dir()));
        g_ptr_array_remove_index(traces, index);
        return FALSE;
    }
    g_ptr_array_add(reading->salvages, salvage);
    g_free(traces->pdata[index]);
    traces->pdata[index] = g_strdup(ct_salvage_path(salvage));
    return TRUE;
}

/* babeltrace2 takes what packets say of themselves on trust: none that lies gets to it. */
static void check_traces(GPtrArray *traces, struct reading *reading)
{
    for (guint i = 0; i < traces->len;) {
        struct ct_salvage_check check;
        gboolean is_kept = TRUE;

        const char *obstacle = ct_packets_metadata_obstacle(traces->pdata[i]);

        if (obstacle) {
            note_damage(reading,
                        g_strdup_printf("%s/metadata %s", (char *)traces->pdata[i], obstacle));
            g_ptr_array_remove_index(traces, i);
            continue;
        }
        ct_salvage_check(traces->pdata[i], &check);
        reading->packet_count += check.packet_count;
        if (check.damage)
            note_damage(reading, check.damage);
        if (check.is_needed)
            is_kept = replace_trace(traces, i, reading);
        i += is_kept ? 1 : 0;
    }
}

/* The trace at `index` cannot be opened: has it left out. */
static void drop_trace(GPtrArray *traces, guint index, struct reading *reading)
{
    g_autofree char *message = ct_take_babeltrace_error();

    note_damage(reading, g_strdup_printf("%s: %s", (char *)traces->pdata[index], message));
    g_ptr_array_remove_index(traces, index);
}

/* A graph with a source for each of the traces that can be opened. */
static bt_graph *open_traces(GPtrArray *traces, const bt_component_class_source *class,
                             GPtrArray *sources, struct reading *reading)
{
    for (;;) {
        bt_graph *graph = bt_graph_create(0);
        guint opened = 0;

        g_ptr_array_set_size(sources, 0);
        while (graph && opened < traces->len) {
            ct_activity_turn_to(reading->activity, g_ptr_array_index(traces, opened));
            const bt_component_source *source =
                add_source(graph, class, g_ptr_array_index(traces, opened));

            if (!source)
                break;
            g_ptr_array_add(sources, (void *)source);
            opened++;
        }
        if (!graph || opened == traces->len)
            return graph;
        /* A graph in which something failed takes nothing more. */
        bt_graph_put_ref(graph);
        drop_trace(traces, opened, reading);
    }
}

static gboolean run(GPtrArray *traces, struct reading *reading, GError **error)
{
    const bt_plugin *plugin = NULL;
    const bt_component_class_source *class = find_source_class(&plugin, error);
    g_autoptr(GPtrArray) sources = g_ptr_array_new();
    g_autoptr(bt_graph) graph = NULL;
    bt_graph_run_status status;

    if (!class)
        return FALSE;
    check_traces(traces, reading);
    graph = open_traces(traces, class, sources, reading);
    bt_plugin_put_ref(plugin);
    if (!graph) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                    "cannot create babeltrace2's graph: out of memory");
        return FALSE;
    }
    if (sources->len == 0)
        return TRUE;
    if (!ct_merge_connect(reading->merge, graph, sources, error))
        return FALSE;
    do {
        status = bt_graph_run(graph);
    } while (status == BT_GRAPH_RUN_STATUS_AGAIN);
    if (status != BT_GRAPH_RUN_STATUS_OK && !reading->damage)
        reading->damage = ct_take_babeltrace_error();
    return TRUE;
}

static void fill_capture(struct ct_model *model, struct reading *reading)
{
    const struct ct_merge_result *result = ct_merge_result(reading->merge);
    struct ct_capture *capture = &model->capture;
    const char *damage = reading->damage ? reading->damage : result->damage;

    model->epoch_offset_ns = result->epoch_offset_ns;
    capture->event_count = result->event_count;
    capture->unknown_events = result->unknown_events;
    capture->events_lost = result->events_lost;
    capture->packets_lost = result->packets_lost;
    capture->kernel_events_lost = result->kernel_events_lost;
    capture->samples_lost = result->samples_lost;
    capture->damage = g_strdup(damage);
    if (damage)
        capture->is_complete = FALSE;
}

static gboolean check(const struct ct_model *model, struct reading *reading, GError **error)
{
    const char *directory = reading->directory;

    /* Without a recorder's word, and nobody of our format: then it is all of another ctrace. */
    if (!reading->error && !model->capture.is_complete && model->processes->len == 0 &&
        model->capture.foreign_images > 0)
        ct_check_version(model->capture.foreign_version, &reading->error);
    if (reading->error) {
        g_propagate_prefixed_error(error, g_steal_pointer(&reading->error),
                                   "cannot read the trace in '%s': ", directory);
        return FALSE;
    }
    if (reading->record_count > 0)
        return TRUE;
    if (model->capture.damage)
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_DAMAGED,
                    "the trace in '%s' is damaged and nothing of it can be read: %s", directory,
                    model->capture.damage);
    else if (model->capture.event_count > 0)
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_CTRACE,
                    "the trace in '%s' has no event that this ctrace knows: record it with "
                    "'ctrace record'",
                    directory);
    else
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_CTRACE,
                    "the trace in '%s' is empty: the recording was not finished, or goes on; if "
                    "its recorder was killed, finish it with: ctrace recover %s",
                    directory, directory);
    return FALSE;
}

static gboolean read_traces(struct reading *reading, struct ct_model *model, GError **error)
{
    struct ct_traces traces;
    struct ct_merge_events events = {.user = reading,
                                     .on_record = on_record,
                                     .on_loss = on_loss,
                                     .on_packet = on_packet,
                                     .on_trace = on_trace};
    gboolean success;

    if (!ct_traces_find(reading->directory, &traces, error))
        return FALSE;
    reading->activity = model->activity;
    reading->damage = g_steal_pointer(&traces.unreadable);
    reading->assembler = ct_assembler_new(model, reading->sinks, reading->sink_count);
    if (!reading->is_search)
        ct_assembler_set_rate_finder(reading->assembler, find_rate, (void *)reading->directory);
    reading->merge = ct_merge_new(&events);
    reading->salvages = g_ptr_array_new_with_free_func(free_salvage);
    success = run(traces.paths, reading, error);
    if (success) {
        fill_capture(model, reading);
        if (!reading->error)
            ct_assembler_finish(reading->assembler);
        success = check(model, reading, error);
    }
    ct_merge_free(reading->merge);
    ct_assembler_free(reading->assembler);
    g_ptr_array_unref(reading->salvages);
    ct_traces_clear(&traces);
    g_clear_error(&reading->error);
    g_free(reading->damage);
    return success;
}

/* What a recording's last events say. Reads it once more: only where its first ones are lost. */
static uint64_t find_rate(void *user)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct reading reading = {.directory = user, .is_search = TRUE};
    uint64_t rate_ns;

    read_traces(&reading, model, NULL);
    rate_ns = model->capture.rate_ns;
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = g_ptr_array_index(model->processes, i);

        rate_ns = MAX(rate_ns, process->rate_ns);
    }
    return rate_ns;
}

gboolean ct_ingest(const char *directory, struct ct_model *model, const struct ct_sink *sinks,
                   size_t sink_count, GError **error)
{
    struct reading reading = {.directory = directory, .sinks = sinks, .sink_count = sink_count};

    return read_traces(&reading, model, error);
}
