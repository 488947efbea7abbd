#include "view/reader/waited.h"

#include "export/json_document.h"
#include "store/columns.h"
#include "symbols/object_name.h"

#define OBJECTS_MAX    500
#define OBJECTS_JUDGED 4 /* times as many */

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
    ct_json_add_signed(json, "process", ct_view_process_number(reader, object->process));
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

static void find_waited(const struct ct_view_reader *reader, GArray *all)
{
    for (guint i = 0; i < ct_store_object_count(reader->store); i++) {
        struct waited waited = {.number = i};

        ct_store_object_total(reader->store, i, &waited.count, &waited.ns);
        if (waited.count > 0)
            g_array_append_val(all, waited);
    }
}

static gboolean find_waited_in(const struct ct_view_reader *reader, const struct ct_window *window,
                               GArray *all, GError **error)
{
    const struct ct_store_scope scope = {.window = window};
    g_autoptr(GArray) sums = ct_store_sum_by(reader->store, CT_STORE_BY_OBJECT, &scope, error);

    for (guint i = 0; sums && i < sums->len; i++) {
        const struct ct_store_group_sum *sum = &g_array_index(sums, struct ct_store_group_sum, i);
        const struct ct_store_object object = {(struct ct_process *)sum->process, sum->object_kind,
                                               sum->object};
        guint found = GPOINTER_TO_UINT(g_hash_table_lookup(reader->objects, &object));
        const struct waited waited = {.number = found - 1, .count = sum->count, .ns = sum->ns};

        if (found > 0)
            g_array_append_val(all, waited);
    }
    return sums != NULL;
}

gboolean ct_view_add_objects(const struct ct_view_reader *reader, const struct ct_window *window,
                             JsonBuilder *json, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct waited));

    if (!window)
        find_waited(reader, all);
    else if (!find_waited_in(reader, window, all, error))
        return FALSE;
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
