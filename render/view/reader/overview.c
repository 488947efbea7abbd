/*
 * What there is in a recording, or in a window of it. Parameters: from and to (all of it). The
 * answer:
 *
 *   recordings[]    directory: all that the server has
 *   window {from, to}, if one was asked for: then all that is told lies in it
 *   length_ns (of the recording), lives {from, to}, begin_ns and epoch_ns (of moment 0, as text),
 * command, ctrace_version, exit_status, has_kernel, notes[], complaints[] states[]        name,
 * colour, on (of text upon it) processes[]     pid, name, title, from, to, rate_ns, exit_status
 *   kinds[]         lane, name, process, threads[] (their numbers): as the report folds them
 *   threads[]       lane, tid, name, process, kind, from, to, has_exited, is_hung, waits,
 *                   ns[] by state
 *   cpus[]          lane, name
 *   objects[]       lane, kind, address (as text), name, text, state, process, waits, ns: those
 *                   with the most time, of object_count
 */
#include "export/json_document.h"
#include "model/capture_notes.h"
#include "model/life.h"
#include "paint/palette.h"
#include "passes/hangs.h"
#include "store/columns.h"
#include "view/reader/waited.h"

#include <math.h>

static void add_decimal(JsonBuilder *json, const char *name, uint64_t value)
{
    g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, value);

    ct_json_add_string(json, name, digits);
}

static void add_lines(JsonBuilder *json, const char *name, const GPtrArray *lines)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < lines->len; i++)
        ct_json_add_value(json, lines->pdata[i]);
    json_builder_end_array(json);
}

static void add_recordings(const struct ct_view_reader *reader, JsonBuilder *json)
{
    json_builder_set_member_name(json, "recordings");
    json_builder_begin_array(json);
    for (char **name = reader->recordings; *name; name++) {
        json_builder_begin_object(json);
        ct_json_add_string(json, "directory", *name);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_span(const struct ct_view_reader *reader, JsonBuilder *json, const char *name,
                     const struct ct_window *span)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_object(json);
    ct_view_add_moment(reader, json, "from", span->begin_ns);
    ct_view_add_moment(reader, json, "to", span->end_ns);
    json_builder_end_object(json);
}

static void add_recording(const struct ct_view_reader *reader, const struct ct_window *window,
                          JsonBuilder *json)
{
    const struct ct_model *model = reader->model;
    const struct ct_capture *capture = &model->capture;
    const struct ct_window lives = ct_lives_extent(model);
    g_autoptr(GPtrArray) notes = ct_capture_notes(capture);
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(capture);

    ct_view_add_moment(reader, json, "length_ns", MAX(model->end_ns, lives.end_ns));
    if (window)
        add_span(reader, json, "window", window);
    add_span(reader, json, "lives", window ? window : &lives);
    add_decimal(json, "begin_ns", model->begin_ns);
    add_decimal(json, "epoch_ns", model->begin_ns + (uint64_t)model->epoch_offset_ns);
    ct_json_add_string(json, "command", capture->command ? capture->command : "");
    ct_json_add_string(json, "ctrace_version",
                       capture->ctrace_version ? capture->ctrace_version : "");
    ct_json_add_signed(json, "exit_status", capture->exit_status);
    ct_json_add_boolean(json, "has_kernel", capture->has_kernel);
    add_lines(json, "notes", notes);
    add_lines(json, "complaints", complaints);
}

/* ---- States ---- */

static void add_colour(JsonBuilder *json, const char *name, struct ct_colour colour)
{
    g_autofree char *text =
        g_strdup_printf("#%02x%02x%02x", (unsigned)lround(colour.red * 255),
                        (unsigned)lround(colour.green * 255), (unsigned)lround(colour.blue * 255));

    ct_json_add_string(json, name, text);
}

static void add_states(JsonBuilder *json)
{
    const struct ct_palette *palette = ct_palette_find("light");

    json_builder_set_member_name(json, "states");
    json_builder_begin_array(json);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        json_builder_begin_object(json);
        ct_json_add_string(json, "name", ct_class_name((enum ct_class) class));
        add_colour(json, "colour", palette->classes[class].fill);
        add_colour(json, "on", palette->classes[class].text);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

/* ---- Processes and threads ---- */

static void add_processes(const struct ct_view_reader *reader, JsonBuilder *json)
{
    json_builder_set_member_name(json, "processes");
    json_builder_begin_array(json);
    for (guint i = 0; i < reader->model->processes->len; i++) {
        const struct ct_process *process = reader->model->processes->pdata[i];

        json_builder_begin_object(json);
        ct_json_add_signed(json, "pid", process->pid);
        ct_json_add_string(json, "name", process->name);
        ct_json_add_string(json, "title", ct_process_title(process));
        ct_view_add_moment(reader, json, "from", process->start_ns);
        ct_view_add_moment(reader, json, "to", process->end_ns);
        ct_json_add_number(json, "rate_ns", process->rate_ns);
        ct_json_add_signed(json, "exit_status", process->exit_status);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static gboolean is_there(const struct ct_thread *thread, const struct ct_window *window)
{
    return !window || ct_view_alive_ns(thread, window) > 0;
}

/* The caller owns the list, of those that are there. */
static GPtrArray *find_there(const GPtrArray *threads, const struct ct_window *window)
{
    GPtrArray *there = g_ptr_array_new();

    for (guint i = 0; i < threads->len; i++)
        if (is_there(threads->pdata[i], window))
            g_ptr_array_add(there, threads->pdata[i]);
    return there;
}

static void add_kind(const struct ct_view_reader *reader, guint number, const GPtrArray *threads,
                     JsonBuilder *json)
{
    const struct ct_view_kind_of_threads *kind = reader->kinds->pdata[number];
    const struct ct_thread *first = threads->pdata[0];

    json_builder_begin_object(json);
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_KIND, number);
    ct_json_add_string(json, "name", kind->name);
    ct_json_add_signed(json, "process", ct_view_process_number(reader, first->process));
    json_builder_set_member_name(json, "threads");
    json_builder_begin_array(json);
    for (guint i = 0; i < threads->len; i++) {
        const struct ct_thread *thread = threads->pdata[i];

        ct_json_add_count(json, thread->number);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
}

static void add_kinds(const struct ct_view_reader *reader, const struct ct_window *window,
                      JsonBuilder *json)
{
    json_builder_set_member_name(json, "kinds");
    json_builder_begin_array(json);
    for (guint i = 0; i < reader->kinds->len; i++) {
        const struct ct_view_kind_of_threads *kind = reader->kinds->pdata[i];
        g_autoptr(GPtrArray) there = find_there(kind->threads, window);

        if (there->len > 0)
            add_kind(reader, i, there, json);
    }
    json_builder_end_array(json);
}

/* Of all of it its own totals, where the trace has them: they know of waits that were not recorded,
 * too. */
static gboolean add_thread_times(const struct ct_view_reader *reader,
                                 const struct ct_thread *thread, const struct ct_window *window,
                                 JsonBuilder *json, GError **error)
{
    const struct ct_window all = {0, UINT64_MAX};
    const struct ct_window *inside = window ? window : &all;
    gboolean has_totals = !window && thread->has_totals;
    struct ct_store_sum sum;

    if (!ct_store_sum(reader->store, thread, inside, &sum, error))
        return FALSE;
    uint64_t left_ns = ct_view_alive_ns(thread, inside);

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        left_ns -= MIN(left_ns, sum.class_ns[class]);
    sum.class_ns[CT_CLASS_RUNNING] += left_ns;
    ct_json_add_number(json, "waits", sum.count);
    ct_view_add_times(json, "ns", has_totals ? thread->class_ns : sum.class_ns);
    return TRUE;
}

/* As a set, which the caller owns: those whose waits cannot end. NULL: an error. */
static GHashTable *find_hung(const struct ct_view_reader *reader, GError **error)
{
    g_autoptr(GPtrArray) hangs = ct_hangs_find(reader->store, reader->model, error);
    GHashTable *hung = hangs ? g_hash_table_new(NULL, NULL) : NULL;

    for (guint i = 0; hangs && i < hangs->len; i++) {
        const GArray *waits = ((const struct ct_hang *)hangs->pdata[i])->waits;

        for (guint j = 0; j < waits->len; j++)
            g_hash_table_add(hung, g_array_index(waits, struct ct_hang_wait, j).interval.thread);
    }
    return hung;
}

static gboolean add_thread(const struct ct_view_reader *reader, const struct ct_thread *thread,
                           const struct ct_window *window, gboolean is_hung, JsonBuilder *json,
                           GError **error)
{
    gint kind = g_array_index(reader->kind_numbers, gint, thread->number);

    json_builder_begin_object(json);
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, thread->number);
    ct_json_add_signed(json, "tid", thread->tid);
    ct_json_add_string(json, "name", thread->name);
    ct_json_add_signed(json, "process", ct_view_process_number(reader, thread->process));
    if (kind >= 0)
        ct_json_add_signed(json, "kind", kind);
    ct_view_add_moment(reader, json, "from", thread->start_ns);
    ct_view_add_moment(reader, json, "to", thread->end_ns);
    ct_json_add_boolean(json, "has_exited", thread->has_exited);
    if (is_hung)
        ct_json_add_boolean(json, "is_hung", TRUE);
    gboolean is_whole = add_thread_times(reader, thread, window, json, error);

    json_builder_end_object(json);
    return is_whole;
}

static gboolean add_threads(const struct ct_view_reader *reader, const struct ct_window *window,
                            JsonBuilder *json, GError **error)
{
    g_autoptr(GPtrArray) there = find_there(reader->model->threads, window);
    g_autoptr(GHashTable) hung = find_hung(reader, error);
    gboolean is_whole = hung != NULL;

    json_builder_set_member_name(json, "threads");
    json_builder_begin_array(json);
    for (guint i = 0; i < there->len && is_whole; i++) {
        const struct ct_thread *thread = there->pdata[i];

        is_whole =
            add_thread(reader, thread, window, g_hash_table_contains(hung, thread), json, error);
    }
    json_builder_end_array(json);
    return is_whole;
}

static void add_cpus(const struct ct_view_reader *reader, JsonBuilder *json)
{
    const GArray *cpus = ct_store_cpus(reader->store);

    json_builder_set_member_name(json, "cpus");
    json_builder_begin_array(json);
    for (guint i = 0; i < cpus->len; i++) {
        guint cpu = g_array_index(cpus, uint32_t, i);
        g_autofree char *name = g_strdup_printf("CPU %u", cpu);

        json_builder_begin_object(json);
        ct_view_add_lane(json, "lane", CT_VIEW_LANE_CPU, cpu);
        ct_json_add_string(json, "name", name);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

gboolean ct_view_overview(struct ct_view_reader *reader, GHashTable *params,
                          struct ct_view_answer *answer, GError **error)
{
    JsonBuilder *json = answer->json;
    gboolean is_part = g_hash_table_contains(params, "from") || g_hash_table_contains(params, "to");
    struct ct_window asked;

    if (is_part && !ct_view_param_window(reader, params, &asked, error))
        return FALSE;
    const struct ct_window *window = is_part ? &asked : NULL;

    json_builder_begin_object(json);
    add_recordings(reader, json);
    add_recording(reader, window, json);
    add_states(json);
    add_processes(reader, json);
    add_kinds(reader, window, json);
    add_cpus(reader, json);
    gboolean is_whole = add_threads(reader, window, json, error) &&
                        ct_view_add_objects(reader, window, json, error);

    json_builder_end_object(json);
    return is_whole;
}
