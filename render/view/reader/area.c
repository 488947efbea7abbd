#include "view/reader/area.h"

#include "model/format.h"

/* ---- Groups ---- */

static guint sum_hash(const void *data)
{
    const struct ct_view_sum *sum = data;
    uint64_t mixed = (uintptr_t)sum->process ^ (uintptr_t)sum->call_name << 1 ^ sum->object ^
                     (uint64_t)sum->stack_id << 20 ^ (uint64_t)sum->op << 8 ^
                     (uint64_t)sum->class << 4 ^ (uint64_t)sum->object_kind;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean sum_equal(const void *a, const void *b)
{
    const struct ct_view_sum *first = a, *second = b;

    return first->process == second->process && first->op == second->op &&
           first->call_name == second->call_name && first->class == second->class &&
           first->object_kind == second->object_kind && first->object == second->object &&
           first->stack_id == second->stack_id;
}

/* FALSE: it belongs to none. */
static gboolean set_key(enum ct_view_grouping grouping, const struct ct_interval *interval,
                        struct ct_view_sum *key)
{
    *key = (struct ct_view_sum){
        .op = interval->op, .call_name = interval->call_name, .class = interval->class};
    if (grouping == CT_VIEW_OPS)
        return TRUE;
    key->process = interval->thread->process;
    if (grouping == CT_VIEW_STACKS) {
        key->stack_id = interval->stack_id;
        return TRUE;
    }
    *key = (struct ct_view_sum){.process = interval->thread->process,
                                .object_kind = ct_op_object(interval->op),
                                .object = interval->object};
    return key->object_kind != CT_OBJECT_NONE;
}

/* A part of an interval's wait that lies in the window. */
struct part {
    const struct ct_store_event *event;
    uint64_t ns;
    double waits;
};

static void add_to_group(const struct ct_view_area *area, enum ct_view_grouping grouping,
                         const struct part *part)
{
    GHashTable *groups = area->groups[grouping];
    struct ct_view_sum key;

    if (!set_key(grouping, &part->event->interval, &key))
        return;
    struct ct_view_sum *sum = g_hash_table_lookup(groups, &key);

    if (!sum) {
        sum = g_memdup2(&key, sizeof(key));
        sum->id = part->event->id;
        g_hash_table_add(groups, sum);
    }
    sum->ns += part->ns;
    sum->waits += part->waits;
}

/* ---- The rest ---- */

static void add_long(const struct ct_view_area *area, const struct part *part)
{
    const struct ct_view_long new_one = {part->event->id, part->event->end_ns, part->ns,
                                         part->event->interval.class};
    guint place = area->longest->len;

    while (place > 0 &&
           g_array_index(area->longest, struct ct_view_long, place - 1).inside_ns < part->ns)
        place--;
    if (place == CT_VIEW_LONG_MAX || part->ns == 0)
        return;
    g_array_insert_val(area->longest, place, new_one);
    if (area->longest->len > CT_VIEW_LONG_MAX)
        g_array_set_size(area->longest, CT_VIEW_LONG_MAX);
}

/* Times in line for a CPU, and outside of calls, are no waits of a call. */
static void add_to_bucket(struct ct_view_area *area, const struct part *part)
{
    const struct ct_interval *interval = &part->event->interval;
    uint64_t wait_ns = ct_interval_wait_ns(interval);
    size_t bucket = wait_ns > 0 ? 63 - (size_t)__builtin_clzll(wait_ns) : 0;

    if (interval->op == CT_OP_NONE)
        return;
    area->bucket_waits[bucket] += part->waits;
    area->bucket_ns[bucket] += part->ns;
}

static uint64_t unseen_ns(double weight, uint64_t ns)
{
    return weight > 1 ? ct_rounded((weight - 1) * (double)ns) : 0;
}

static void add_part(struct ct_view_area *area, struct ct_view_thread_sum *sum,
                     const struct part *part)
{
    const struct ct_interval *interval = &part->event->interval;

    sum->class_ns[interval->class] += part->ns;
    sum->unseen_ns[interval->class] += unseen_ns(interval->weight, part->ns);
    sum->waits += part->waits;
    for (int grouping = 0; grouping < CT_VIEW_GROUPINGS; grouping++)
        add_to_group(area, (enum ct_view_grouping)grouping, part);
    add_long(area, part);
    add_to_bucket(area, part);
}

/* A wait counts once, in the first of its parts that is in the window. */
static struct part part_of(const struct ct_view_area *area, const struct ct_store_event *event)
{
    uint64_t from_ns = MAX(event->begin_ns, area->window.begin_ns);
    uint64_t to_ns = MIN(event->end_ns, area->window.end_ns);
    gboolean is_counted = event->interval.op != CT_OP_NONE &&
                          ct_interval_is_counted(&event->interval, area->window.begin_ns);

    return (struct part){event, from_ns < to_ns ? to_ns - from_ns : 0,
                         is_counted ? event->interval.weight : 0};
}

/* As tiles have it: what only touches the window is not in it. */
static gboolean is_inside(const struct ct_view_area *area, const struct ct_store_event *event)
{
    return event->begin_ns < area->window.end_ns &&
           (event->end_ns > area->window.begin_ns ||
            (event->begin_ns == event->end_ns && event->begin_ns >= area->window.begin_ns));
}

gboolean ct_view_area_add(struct ct_view_area *area, const struct ct_view_reader *reader,
                          struct ct_thread *thread, GError **error)
{
    struct ct_view_thread_sum sum = {.thread = thread};
    uint64_t left_ns = ct_view_alive_ns(thread, &area->window);
    g_autoptr(ct_store_merge) merge = ct_store_merge_new(
        reader->store, CT_STORE_INTERVALS, thread->number, thread->number, &area->window, FALSE);
    g_autoptr(GError) failure = NULL;
    struct ct_thread *whose;
    struct ct_store_event event;

    while (ct_store_merge_next(merge, &event, &whose, &failure)) {
        const struct part part = part_of(area, &event);

        if (is_inside(area, &event))
            add_part(area, &sum, &part);
    }
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        left_ns -= MIN(left_ns, sum.class_ns[class]);
    sum.class_ns[CT_CLASS_RUNNING] += left_ns;
    g_array_append_val(area->threads, sum);
    return TRUE;
}

void ct_view_area_init(struct ct_view_area *area, const struct ct_window *window)
{
    *area = (struct ct_view_area){.window = *window};
    area->threads = g_array_new(FALSE, FALSE, sizeof(struct ct_view_thread_sum));
    area->longest = g_array_new(FALSE, FALSE, sizeof(struct ct_view_long));
    for (int grouping = 0; grouping < CT_VIEW_GROUPINGS; grouping++)
        area->groups[grouping] = g_hash_table_new_full(sum_hash, sum_equal, g_free, NULL);
}

void ct_view_area_clear(struct ct_view_area *area)
{
    g_array_unref(area->threads);
    g_array_unref(area->longest);
    for (int grouping = 0; grouping < CT_VIEW_GROUPINGS; grouping++)
        g_hash_table_unref(area->groups[grouping]);
}

/* ---- What was found ---- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* The most time first, then by when one of them began: never by chance. */
static int compare_sums(const void *a, const void *b)
{
    const struct ct_view_sum *first = *(const struct ct_view_sum *const *)a;
    const struct ct_view_sum *second = *(const struct ct_view_sum *const *)b;
    int order = COMPARE(second->ns, first->ns);

    if (order == 0)
        order = COMPARE(first->id.begin_ns, second->id.begin_ns);
    return order != 0 ? order : COMPARE(first->id.sequence, second->id.sequence);
}

GPtrArray *ct_view_area_list(const struct ct_view_area *area, enum ct_view_grouping grouping)
{
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    void *sum;

    g_hash_table_iter_init(&iter, area->groups[grouping]);
    while (g_hash_table_iter_next(&iter, &sum, NULL))
        g_ptr_array_add(list, sum);
    g_ptr_array_sort(list, compare_sums);
    return list;
}

const char *ct_view_sum_name(const struct ct_view_sum *sum)
{
    if (sum->op == CT_OP_NONE)
        return ct_class_name(sum->class);
    return sum->call_name ? sum->call_name : ct_op_name(sum->op);
}
