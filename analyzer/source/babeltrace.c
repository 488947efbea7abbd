/* Reads what babeltrace2 can, through its graph; of damaged traces what is whole of them. */
#include "source/babeltrace_merge.h"
#include "source/error.h"
#include "source/packets.h"
#include "source/salvage.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(bt_graph, bt_graph_put_ref)

struct babeltrace {
    const struct ct_source_events *events; /* borrowed */
    struct ct_source_result *result;       /* borrowed */
    GPtrArray *paths;                      /* owned; char *, of the traces that are read */
    GPtrArray *salvages;                   /* owned; struct ct_salvage * */
    struct ct_merge *merge;                /* owned */
    bt_graph *graph;                       /* owned; NULL: there is nothing to read */
};

static void free_salvage(void *salvage)
{
    ct_salvage_free(salvage);
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

/* Has the trace at `index` replaced by what is whole of it, or left out. FALSE: left out. */
static gboolean replace_trace(struct babeltrace *babeltrace, guint index)
{
    GPtrArray *paths = babeltrace->paths;
    struct ct_salvage *salvage = ct_salvage_new(paths->pdata[index]);

    if (!salvage) {
        ct_source_note_damage(babeltrace->result,
                              g_strdup_printf("%s: no room for what is whole of it in '%s'",
                                              (char *)paths->pdata[index], g_get_tmp_dir()));
        g_ptr_array_remove_index(paths, index);
        return FALSE;
    }
    g_ptr_array_add(babeltrace->salvages, salvage);
    g_free(paths->pdata[index]);
    paths->pdata[index] = g_strdup(ct_salvage_path(salvage));
    return TRUE;
}

/* babeltrace2 takes what packets say of themselves on trust: none that lies gets to it. */
static void check_traces(struct babeltrace *babeltrace)
{
    GPtrArray *paths = babeltrace->paths;

    for (guint i = 0; i < paths->len;) {
        const char *obstacle = ct_packets_metadata_obstacle(paths->pdata[i]);
        struct ct_salvage_check check;
        gboolean is_kept = TRUE;

        if (obstacle) {
            ct_source_note_damage(
                babeltrace->result,
                g_strdup_printf("%s/metadata %s", (char *)paths->pdata[i], obstacle));
            g_ptr_array_remove_index(paths, i);
            continue;
        }
        ct_salvage_check(paths->pdata[i], &check);
        babeltrace->result->packet_count += check.packet_count;
        if (check.damage)
            ct_source_note_damage(babeltrace->result, check.damage);
        if (check.is_needed)
            is_kept = replace_trace(babeltrace, i);
        i += is_kept ? 1 : 0;
    }
}

/* The trace at `index` cannot be opened: has it left out. */
static void drop_trace(struct babeltrace *babeltrace, guint index)
{
    g_autofree char *message = ct_take_babeltrace_error();

    ct_source_note_damage(
        babeltrace->result,
        g_strdup_printf("%s: %s", (char *)babeltrace->paths->pdata[index], message));
    g_ptr_array_remove_index(babeltrace->paths, index);
}

/* A graph with a source for each of the traces that can be opened. */
static bt_graph *open_traces(struct babeltrace *babeltrace, const bt_component_class_source *class,
                             GPtrArray *sources)
{
    const GPtrArray *paths = babeltrace->paths;

    for (;;) {
        bt_graph *graph = bt_graph_create(0);
        guint opened = 0;

        g_ptr_array_set_size(sources, 0);
        while (graph && opened < paths->len) {
            const char *path = paths->pdata[opened];

            babeltrace->events->on_trace(babeltrace->events->user, path);
            const bt_component_source *source = add_source(graph, class, path);

            if (!source)
                break;
            g_ptr_array_add(sources, (void *)source);
            opened++;
        }
        if (!graph || opened == paths->len)
            return graph;
        /* A graph in which something failed takes nothing more. */
        bt_graph_put_ref(graph);
        drop_trace(babeltrace, opened);
    }
}

static gboolean set_up(struct babeltrace *babeltrace, GError **error)
{
    const bt_plugin *plugin = NULL;
    const bt_component_class_source *class = find_source_class(&plugin, error);
    g_autoptr(GPtrArray) sources = g_ptr_array_new();

    if (!class)
        return FALSE;
    check_traces(babeltrace);
    babeltrace->graph = open_traces(babeltrace, class, sources);
    bt_plugin_put_ref(plugin);
    if (!babeltrace->graph) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                    "cannot create babeltrace2's graph: out of memory");
        return FALSE;
    }
    if (sources->len == 0) {
        g_clear_pointer(&babeltrace->graph, bt_graph_put_ref);
        return TRUE;
    }
    return ct_merge_connect(babeltrace->merge, babeltrace->graph, sources, error);
}

static void free_babeltrace(void *state)
{
    struct babeltrace *babeltrace = state;

    g_clear_pointer(&babeltrace->graph, bt_graph_put_ref);
    ct_merge_free(babeltrace->merge);
    g_ptr_array_unref(babeltrace->salvages);
    g_ptr_array_unref(babeltrace->paths);
    g_free(babeltrace);
}

static void *open_babeltrace(const GPtrArray *paths, const struct ct_source_events *events,
                             struct ct_source_result *result, GError **error)
{
    struct babeltrace *babeltrace = g_new0(struct babeltrace, 1);

    babeltrace->events = events;
    babeltrace->result = result;
    babeltrace->paths = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < paths->len; i++)
        g_ptr_array_add(babeltrace->paths, g_strdup(paths->pdata[i]));
    babeltrace->salvages = g_ptr_array_new_with_free_func(free_salvage);
    babeltrace->merge = ct_merge_new(events, result);
    if (set_up(babeltrace, error))
        return babeltrace;
    free_babeltrace(babeltrace);
    return NULL;
}

static gboolean read_babeltrace(void *state, GError **error)
{
    struct babeltrace *babeltrace = state;
    bt_graph_run_status status;

    (void)error;
    if (!babeltrace->graph)
        return TRUE;
    do {
        status = bt_graph_run(babeltrace->graph);
    } while (status == BT_GRAPH_RUN_STATUS_AGAIN);
    if (status != BT_GRAPH_RUN_STATUS_OK)
        ct_source_note_damage(babeltrace->result, ct_take_babeltrace_error());
    g_clear_pointer(&babeltrace->graph, bt_graph_put_ref);
    return TRUE;
}

const struct ct_source_reader ct_source_babeltrace = {
    .name = "babeltrace2",
    .open = open_babeltrace,
    .read = read_babeltrace,
    .free = free_babeltrace,
};
