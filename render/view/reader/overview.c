/*
 * What there is in a recording. No parameters. The answer:
 *
 *   recordings[]    directory: all that the server has
 *   length_ns, lives {from, to}, begin_ns and epoch_ns (of moment 0, as text), command,
 *   ctrace_version, exit_status, has_kernel, notes[], complaints[]
 *   states[]        name, colour, on (of text upon it)
 *   processes[]     pid, name, title, from, to, rate_ns, exit_status
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
#include "symbols/object_name.h"
#include "view/reader/reader.h"

#include <math.h>

#define OBJECTS_MAX    500
#define OBJECTS_JUDGED 4 /* times as many */

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

static void add_recording(const struct ct_view_reader *reader, JsonBuilder *json)
{
    const struct ct_model *model = reader->model;
    const struct ct_capture *capture = &model->capture;
    const struct ct_window lives = ct_lives_extent(model);
    g_autoptr(GPtrArray) notes = ct_capture_notes(capture);
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(capture);

    ct_view_add_moment(reader, json, "length_ns", MAX(model->end_ns, lives.end_ns));
    json_builder_set_member_name(json, "lives");
    json_builder_begin_object(json);
    ct_view_add_moment(reader, json, "from", lives.begin_ns);
    ct_view_add_moment(reader, json, "to", lives.end_ns);
    json_builder_end_object(json);
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

static gint64 process_number(const struct ct_view_reader *reader, const struct ct_process *process)
{
    guint number;

    return g_ptr_array_find(reader->model->processes, process, &number) ? (gint64)number : -1;
}

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

static void add_kinds(const struct ct_view_reader *reader, JsonBuilder *json)
{
    json_builder_set_member_name(json, "kinds");
    json_builder_begin_array(json);
    for (guint i = 0; i < reader->kinds->len; i++) {
        const struct ct_view_kind_of_threads *kind = reader->kinds->pdata[i];
        const struct ct_thread *first = kind->threads->pdata[0];

        json_builder_begin_object(json);
        ct_view_add_lane(json, "lane", CT_VIEW_LANE_KIND, i);
        ct_json_add_string(json, "name", kind->name);
        ct_json_add_signed(json, "process", process_number(reader, first->process));
        json_builder_set_member_name(json, "threads");
        json_builder_begin_array(json);
        for (guint member = 0; member < kind->threads->len; member++) {
            const struct ct_thread *thread = kind->threads->pdata[member];

            ct_json_add_count(json, thread->number);
        }
        json_builder_end_array(json);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

/* Its own totals, where the trace has them: they know of waits that were not recorded, too. */
static gboolean add_thread_times(const struct ct_view_reader *reader,
                                 const struct ct_thread *thread, JsonBuilder *json, GError **error)
{
    const struct ct_window whole = {0, UINT64_MAX};
    struct ct_store_sum sum;

    if (!ct_store_sum(reader->store, thread, &whole, &sum, error))
        return FALSE;
    uint64_t left_ns = ct_view_alive_ns(thread, &whole);

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        left_ns -= MIN(left_ns, sum.class_ns[class]);
    sum.class_ns[CT_CLASS_RUNNING] += left_ns;
    ct_json_add_number(json, "waits", sum.count);
    ct_view_add_times(json, "ns", thread->has_totals ? thread->class_ns : sum.class_ns);
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
                           gboolean is_hung, JsonBuilder *json, GError **error)
{
    gint kind = g_array_index(reader->kind_numbers, gint, thread->number);

    json_builder_begin_object(json);
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, thread->number);
    ct_json_add_signed(json, "tid", thread->tid);
    ct_json_add_string(json, "name", thread->name);
    ct_json_add_signed(json, "process", process_number(reader, thread->process));
    if (kind >= 0)
        ct_json_add_signed(json, "kind", kind);
    ct_view_add_moment(reader, json, "from", thread->start_ns);
    ct_view_add_moment(reader, json, "to", thread->end_ns);
    ct_json_add_boolean(json, "has_exited", thread->has_exited);
    if (is_hung)
        ct_json_add_boolean(json, "is_hung", TRUE);
    gboolean is_whole = add_thread_times(reader, thread, json, error);

    json_builder_end_object(json);
    return is_whole;
}

static gboolean add_threads(const struct ct_view_reader *reader, JsonBuilder *json, GError **error)
{
    g_autoptr(GHashTable) hung = find_hung(reader, error);
    gboolean is_whole = hung != NULL;

    json_builder_set_member_name(json, "threads");
    json_builder_begin_array(json);
    for (guint i = 0; i < reader->model->threads->len && is_whole; i++) {
        const struct ct_thread *thread = reader->model->threads->pdata[i];

        is_whole = add_thread(reader, thread, g_hash_table_contains(hung, thread), json, error);
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

/* ---- What was waited for ---- */

struct waited {
    guint number;
    uint64_t count;
    uint64_t ns;
    gboolean is_idle; /* once it was judged: its longest wait is */
};

static int compare_waited(const void *a, const void *b)
{
    const struct waited *first = a, *second = b;

    if (first->is_idle != second->is_idle)
        return first->is_idle ? 1 : -1;
    if (first->ns != second->ns)
        return first->ns > second->ns ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* The longest wait for it, as a cursor on that: a number meant other things in others, and what
 * most of them were for is what the reader is after. NULL: an error. */
static struct ct_store_cursor *find_longest(const struct ct_view_reader *reader, guint number,
                                            struct ct_store_event *event, GError **error)
{
    struct ct_store_id id;

    return ct_store_object_longest(reader->store, number, &id, error)
               ? ct_store_find(reader->store, &id, event, error)
               : NULL;
}

/* By that wait, which says more of it than a number. */
static gboolean add_longest_wait(const struct ct_view_reader *reader, guint number,
                                 JsonBuilder *json, GError **error)
{
    const struct ct_store_object *object = ct_store_object(reader->store, number);
    struct ct_store_event event;
    g_autoptr(ct_store_cursor) found = find_longest(reader, number, &event, error);

    if (!found)
        return FALSE;
    g_autofree char *text = ct_event_object(reader->texts, &event.interval);
    const char *name =
        ct_object_find_name(reader->symbolizer, object->process, object->kind, object->id,
                            ct_process_stack_time(object->process, event.interval.stack_id));

    ct_json_add_signed(json, "state", event.interval.class);
    ct_json_add_string(json, "text", text);
    if (name)
        ct_json_add_string(json, "name", name);
    return TRUE;
}

static gboolean add_object(const struct ct_view_reader *reader, const struct waited *waited,
                           JsonBuilder *json, GError **error)
{
    const struct ct_store_object *object = ct_store_object(reader->store, waited->number);
    g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", object->id);

    json_builder_begin_object(json);
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_OBJECT, waited->number);
    ct_json_add_string(json, "kind", ct_object_name(object->kind));
    ct_json_add_string(json, "address", address);
    ct_json_add_signed(json, "process", process_number(reader, object->process));
    ct_json_add_number(json, "waits", waited->count);
    ct_json_add_number(json, "ns", waited->ns);
    gboolean is_whole = add_longest_wait(reader, waited->number, json, error);

    json_builder_end_object(json);
    return is_whole;
}

/* What only idle threads wait for is last, however long they do. Of those with the most time, which
 * alone are looked at. */
static gboolean judge(const struct ct_view_reader *reader, GArray *all, GError **error)
{
    for (guint i = 0; i < MIN(all->len, OBJECTS_MAX * OBJECTS_JUDGED); i++) {
        struct waited *waited = &g_array_index(all, struct waited, i);
        struct ct_store_event event;
        g_autoptr(ct_store_cursor) found = find_longest(reader, waited->number, &event, error);

        if (!found)
            return FALSE;
        waited->is_idle = ct_idle_has(reader->idle, &event.interval);
    }
    g_array_sort(all, compare_waited);
    return TRUE;
}

static gboolean add_objects(const struct ct_view_reader *reader, JsonBuilder *json, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct waited));

    for (guint i = 0; i < ct_store_object_count(reader->store); i++) {
        struct waited waited = {.number = i};

        ct_store_object_total(reader->store, i, &waited.count, &waited.ns);
        if (waited.count > 0)
            g_array_append_val(all, waited);
    }
    g_array_sort(all, compare_waited);
    gboolean is_whole = judge(reader, all, error);

    ct_json_add_number(json, "object_count", all->len);
    json_builder_set_member_name(json, "objects");
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(all->len, OBJECTS_MAX) && is_whole; i++)
        is_whole = add_object(reader, &g_array_index(all, struct waited, i), json, error);
    json_builder_end_array(json);
    return is_whole;
}

gboolean ct_view_overview(struct ct_view_reader *reader, GHashTable *params,
                          struct ct_view_answer *answer, GError **error)
{
    JsonBuilder *json = answer->json;

    (void)params;
    json_builder_begin_object(json);
    add_recordings(reader, json);
    add_recording(reader, json);
    add_states(json);
    add_processes(reader, json);
    add_kinds(reader, json);
    add_cpus(reader, json);
    gboolean is_whole = add_threads(reader, json, error) && add_objects(reader, json, error);

    json_builder_end_object(json);
    return is_whole;
}
