/*
 * What lies in a window. Parameters: from, to, lanes of threads and kinds (all), flame (wait, run
 * or both). The answer:
 *
 *   from, to, ns[] and unseen_ns[] by state (what sampled waits stand for beside their own time)
 *   threads[]       lane, name, ns[], waits
 *   ops[]           op, state, ns, waits
 *   objects[]       text, lane, state, ns, waits
 *   places[]        function, file, line, op, state, ns, waits
 *   longest[]       lane, name, from, to, state, text, is_idle
 *   histogram       least_ns[], waits[], ns[]: by how long whole waits took
 *   flame           frames[], nodes[]: [parent, frame, self ns, total ns, waits], the root first;
 *                   a leaf's frame is {function, state}: what was called, or done
 */
#include "export/json_document.h"
#include "model/format.h"
#include "view/reader/area.h"
#include "view/reader/flame.h"

#include <string.h>

#define ROWS_MAX 100

static void add_waits(JsonBuilder *json, uint64_t ns, double waits)
{
    ct_json_add_number(json, "ns", ns);
    ct_json_add_rounded(json, "waits", waits);
}

/* ---- Threads ---- */

static void add_thread(JsonBuilder *json, const struct ct_view_thread_sum *sum)
{
    json_builder_begin_object(json);
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, sum->thread->number);
    ct_json_add_string(json, "name", sum->thread->name);
    ct_view_add_times(json, "ns", sum->class_ns);
    ct_json_add_rounded(json, "waits", sum->waits);
    json_builder_end_object(json);
}

static void add_threads(JsonBuilder *json, const struct ct_view_area *area)
{
    uint64_t class_ns[CT_CLASS_COUNT] = {0};
    uint64_t unseen_ns[CT_CLASS_COUNT] = {0};

    json_builder_set_member_name(json, "threads");
    json_builder_begin_array(json);
    for (guint i = 0; i < area->threads->len; i++) {
        const struct ct_view_thread_sum *sum =
            &g_array_index(area->threads, struct ct_view_thread_sum, i);

        for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
            class_ns[class] += sum->class_ns[class];
            unseen_ns[class] = ct_add_u64(unseen_ns[class], sum->unseen_ns[class]);
        }
        if (ct_view_alive_ns(sum->thread, &area->window) > 0)
            add_thread(json, sum);
    }
    json_builder_end_array(json);
    ct_view_add_times(json, "ns", class_ns);
    ct_view_add_times(json, "unseen_ns", unseen_ns);
}

/* ---- What was called, and what for ---- */

static void add_ops(JsonBuilder *json, const struct ct_view_area *area)
{
    g_autoptr(GPtrArray) sums = ct_view_area_list(area, CT_VIEW_OPS);

    json_builder_set_member_name(json, "ops");
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(sums->len, ROWS_MAX); i++) {
        const struct ct_view_sum *sum = sums->pdata[i];

        json_builder_begin_object(json);
        ct_json_add_string(json, "op", ct_view_sum_name(sum));
        ct_json_add_signed(json, "state", sum->class);
        add_waits(json, sum->ns, sum->waits);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

/* The interval of an id, said by `write`. FALSE: an error. */
static gboolean with_interval(const struct ct_view_reader *reader, const struct ct_store_id *id,
                              void (*write)(const struct ct_view_reader *reader, JsonBuilder *json,
                                            const struct ct_interval *interval),
                              JsonBuilder *json, GError **error)
{
    struct ct_store_event event;
    g_autoptr(ct_store_cursor) cursor = ct_store_find(reader->store, id, &event, error);

    if (cursor)
        write(reader, json, &event.interval);
    return cursor || !*error;
}

static void write_object(const struct ct_view_reader *reader, JsonBuilder *json,
                         const struct ct_interval *interval)
{
    g_autofree char *text = ct_event_object(reader->texts, interval);
    guint number;

    ct_json_add_string(json, "text", text);
    ct_json_add_signed(json, "state", interval->class);
    if (ct_view_find_object(reader, interval, &number))
        ct_view_add_lane(json, "lane", CT_VIEW_LANE_OBJECT, number);
}

static gboolean add_objects(const struct ct_view_reader *reader, JsonBuilder *json,
                            const struct ct_view_area *area, GError **error)
{
    g_autoptr(GPtrArray) sums = ct_view_area_list(area, CT_VIEW_OBJECTS);
    gboolean is_whole = TRUE;

    json_builder_set_member_name(json, "objects");
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(sums->len, ROWS_MAX) && is_whole; i++) {
        const struct ct_view_sum *sum = sums->pdata[i];

        json_builder_begin_object(json);
        add_waits(json, sum->ns, sum->waits);
        is_whole = with_interval(reader, &sum->id, write_object, json, error);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    return is_whole;
}

static void write_long(const struct ct_view_reader *reader, JsonBuilder *json,
                       const struct ct_interval *interval)
{
    g_autofree char *text = ct_view_interval_text(reader, interval);

    ct_json_add_string(json, "text", text);
    if (ct_idle_has(reader->idle, interval))
        ct_json_add_boolean(json, "is_idle", TRUE);
}

static gboolean add_longest(const struct ct_view_reader *reader, JsonBuilder *json,
                            const struct ct_view_area *area, GError **error)
{
    gboolean is_whole = TRUE;

    json_builder_set_member_name(json, "longest");
    json_builder_begin_array(json);
    for (guint i = 0; i < area->longest->len && is_whole; i++) {
        const struct ct_view_long *one = &g_array_index(area->longest, struct ct_view_long, i);

        json_builder_begin_object(json);
        ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, one->id.thread->number);
        ct_json_add_string(json, "name", one->id.thread->name);
        ct_view_add_moment(reader, json, "from", one->id.begin_ns);
        ct_view_add_moment(reader, json, "to", one->end_ns);
        ct_json_add_signed(json, "state", one->class);
        is_whole = with_interval(reader, &one->id, write_long, json, error);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    return is_whole;
}

/* ---- Places ---- */

struct place {
    const struct ct_symbol_frame *frame; /* borrowed; NULL: unknown */
    const struct ct_view_sum *first;     /* borrowed */
    uint64_t ns;
    double waits;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *first = *(const struct place *const *)a;
    const struct place *second = *(const struct place *const *)b;

    return (second->ns > first->ns) - (second->ns < first->ns);
}

/* Stacks that wait at the same line of the program are one place. */
static GPtrArray *find_places(const struct ct_view_reader *reader, const struct ct_view_area *area)
{
    g_autoptr(GPtrArray) sums = ct_view_area_list(area, CT_VIEW_STACKS);
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *places = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < sums->len; i++) {
        const struct ct_view_sum *sum = sums->pdata[i];
        const struct ct_symbol_frame *frame =
            ct_stack_place(reader->symbolizer, sum->process, sum->stack_id);
        char *key = g_strdup_printf("%s\n%s\n%u\n%d\n%s", frame ? frame->function : "",
                                    frame ? frame->file : "", frame ? frame->line : 0,
                                    (int)sum->class, ct_view_sum_name(sum));
        struct place *place = g_hash_table_lookup(known, key);

        if (place) {
            g_free(key);
        } else {
            place = g_new0(struct place, 1);
            place->frame = frame;
            place->first = sum;
            g_hash_table_insert(known, key, place);
            g_ptr_array_add(places, place);
        }
        place->ns += sum->ns;
        place->waits += sum->waits;
    }
    g_ptr_array_sort(places, compare_places);
    return places;
}

static void add_places(const struct ct_view_reader *reader, JsonBuilder *json,
                       const struct ct_view_area *area)
{
    g_autoptr(GPtrArray) places = find_places(reader, area);

    json_builder_set_member_name(json, "places");
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(places->len, ROWS_MAX); i++) {
        const struct place *place = places->pdata[i];

        json_builder_begin_object(json);
        ct_json_add_string(json, "function", place->frame ? place->frame->function : "");
        if (place->frame && place->frame->file[0])
            ct_json_add_string(json, "file", place->frame->file);
        if (place->frame && place->frame->line > 0)
            ct_json_add_number(json, "line", place->frame->line);
        ct_json_add_string(json, "op", ct_view_sum_name(place->first));
        ct_json_add_signed(json, "state", place->first->class);
        add_waits(json, place->ns, place->waits);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

/* ---- How long, and by which stacks ---- */

static void add_histogram(JsonBuilder *json, const struct ct_view_area *area)
{
    size_t first = 0, last = CT_VIEW_BUCKETS;

    while (first < last && area->bucket_waits[first] == 0 && area->bucket_ns[first] == 0)
        first++;
    while (last > first && area->bucket_waits[last - 1] == 0 && area->bucket_ns[last - 1] == 0)
        last--;
    json_builder_set_member_name(json, "histogram");
    json_builder_begin_object(json);
    json_builder_set_member_name(json, "least_ns");
    json_builder_begin_array(json);
    for (size_t bucket = first; bucket < last; bucket++)
        ct_json_add_count(json, bucket == 0 ? 0 : UINT64_C(1) << bucket);
    json_builder_end_array(json);
    json_builder_set_member_name(json, "waits");
    json_builder_begin_array(json);
    for (size_t bucket = first; bucket < last; bucket++)
        ct_json_add_count(json, ct_rounded(area->bucket_waits[bucket]));
    json_builder_end_array(json);
    json_builder_set_member_name(json, "ns");
    json_builder_begin_array(json);
    for (size_t bucket = first; bucket < last; bucket++)
        json_builder_add_int_value(json, (gint64)MIN(area->bucket_ns[bucket], G_MAXINT64));
    json_builder_end_array(json);
    json_builder_end_object(json);
}

static void add_waiting(struct ct_view_flame *flame, const struct ct_view_area *area)
{
    g_autoptr(GPtrArray) sums = ct_view_area_list(area, CT_VIEW_STACKS);

    for (guint i = 0; i < sums->len; i++) {
        const struct ct_view_sum *sum = sums->pdata[i];
        const struct ct_view_flame_time time = {
            sum->process, sum->stack_id, ct_view_sum_name(sum),
            sum->class,   sum->ns,       ct_rounded(sum->waits)};

        if (sum->ns > 0)
            ct_view_flame_add(flame, &time);
    }
}

/* By samples: each is for the time since the one before. */
static gboolean add_running(const struct ct_view_reader *reader, struct ct_view_flame *flame,
                            const struct ct_view_area *area, GError **error)
{
    for (guint i = 0; i < area->threads->len; i++) {
        const struct ct_thread *thread =
            g_array_index(area->threads, struct ct_view_thread_sum, i).thread;
        g_autoptr(ct_store_cursor) samples = ct_store_samples(reader->store, thread, &area->window);
        struct ct_store_event event;

        while (ct_store_cursor_next(samples, &event, error)) {
            const struct ct_view_flame_time time = {
                thread->process,  event.sample.stack_id,  ct_class_name(CT_CLASS_RUNNING),
                CT_CLASS_RUNNING, event.sample.period_ns, 0};

            if (event.sample.time_ns < area->window.end_ns)
                ct_view_flame_add(flame, &time);
        }
        if (*error)
            return FALSE;
    }
    return TRUE;
}

/* `what`: wait, run or both. */
static gboolean add_flame(const struct ct_view_reader *reader, JsonBuilder *json,
                          const struct ct_view_area *area, const char *what, GError **error)
{
    g_autoptr(ct_view_flame) flame = ct_view_flame_new(reader);

    if (strcmp(what, "run") != 0)
        add_waiting(flame, area);
    if (strcmp(what, "wait") != 0 && !add_running(reader, flame, area, error))
        return FALSE;
    ct_view_flame_write(flame, json, "flame");
    return TRUE;
}

/* ---- The question ---- */

/* struct ct_thread *, each once, borrowed. NULL: an error. */
static GPtrArray *find_threads(const struct ct_view_reader *reader, const char *text,
                               GError **error)
{
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    g_autoptr(GArray) lanes =
        text ? ct_view_lanes_parse(text, CT_VIEW_SUMMED_LANES_MAX, error) : NULL;

    if (!text)
        return g_ptr_array_copy(reader->model->threads, NULL, NULL);
    for (guint i = 0; lanes && i < lanes->len; i++) {
        g_autoptr(GPtrArray) found =
            ct_view_lane_threads(reader, &g_array_index(lanes, struct ct_view_lane, i), error);

        if (!found)
            return NULL;
        for (guint member = 0; member < found->len; member++)
            if (g_hash_table_add(known, found->pdata[member]))
                g_ptr_array_add(threads, found->pdata[member]);
    }
    return lanes ? g_steal_pointer(&threads) : NULL;
}

static gboolean write_area(const struct ct_view_reader *reader, JsonBuilder *json,
                           const struct ct_view_area *area, const char *flame, GError **error)
{
    json_builder_begin_object(json);
    ct_view_add_moment(reader, json, "from", area->window.begin_ns);
    ct_view_add_moment(reader, json, "to", area->window.end_ns);
    add_threads(json, area);
    add_ops(json, area);
    add_places(reader, json, area);
    add_histogram(json, area);
    gboolean is_whole = add_objects(reader, json, area, error) &&
                        add_longest(reader, json, area, error) &&
                        add_flame(reader, json, area, flame, error);

    json_builder_end_object(json);
    return is_whole;
}

static const char *flame_of(GHashTable *params, GError **error)
{
    static const char *const kinds[] = {"wait", "run", "both"};
    const char *text = g_hash_table_lookup(params, "flame");

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(text ? text : kinds[0], kinds[i]) == 0)
            return kinds[i];
    g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG, "flame must be wait, run or both");
    return NULL;
}

gboolean ct_view_area(struct ct_view_reader *reader, GHashTable *params,
                      struct ct_view_answer *answer, GError **error)
{
    const char *flame = flame_of(params, error);
    struct ct_window window;
    struct ct_view_area area;

    if (!flame || !ct_view_param_window(reader, params, &window, error))
        return FALSE;
    g_autoptr(GPtrArray) threads =
        find_threads(reader, g_hash_table_lookup(params, "lanes"), error);
    gboolean is_whole = threads != NULL;

    ct_view_area_init(&area, &window);
    for (guint i = 0; is_whole && i < threads->len; i++)
        is_whole = ct_view_area_add(&area, reader, threads->pdata[i], error);
    is_whole = is_whole && write_area(reader, answer->json, &area, flame, error);
    ct_view_area_clear(&area);
    return is_whole;
}
