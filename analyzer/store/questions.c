/* Sums, the longest and states: pages answer for what lies wholly inside of what is asked. */
#include "store/lanes.h"

#include <stdlib.h>

/* ---- Sums by state ---- */

static void add_inside(struct ct_store_sum *sum, const struct ct_summary *summary)
{
    sum->count += summary->count;
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        sum->class_ns[class] += summary->class_ns[class];
        sum->unseen_ns[class] += summary->unseen_ns[class];
    }
}

/* What of a record lies in the window; 0, too, where they only touch. */
static uint64_t inside_ns(const struct ct_window *window, uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t from_ns = MAX(begin_ns, window->begin_ns);
    uint64_t to_ns = MIN(end_ns, window->end_ns);

    return from_ns < to_ns ? to_ns - from_ns : 0;
}

static gboolean sum_block(struct ct_tree_reader *reader, const struct ct_entry *entry,
                          const struct ct_window *window, struct ct_store_sum *sum)
{
    g_autofree uint8_t *bytes = ct_entry_load(reader, entry);
    struct ct_store_record record;
    struct ct_block block;

    if (!bytes)
        return FALSE;
    ct_block_open(&block, CT_LANE_INTERVALS, bytes, entry->size);
    while (ct_block_next(&block, &record)) {
        uint64_t class = record.attribute->numbers[CT_INTERVAL_CLASS];
        uint64_t time_ns = inside_ns(window, record.begin_ns, record.end_ns);

        if (class >= CT_CLASS_COUNT)
            block.input.is_bad = TRUE;
        if (class >= CT_CLASS_COUNT || !ct_touches(window, record.begin_ns, record.end_ns))
            continue;
        sum->count++;
        sum->class_ns[class] += time_ns;
        sum->unseen_ns[class] += ct_unseen_ns(ct_record_weight(&record), time_ns);
    }
    ct_block_close(&block);
    return !block.input.is_bad;
}

static gboolean sum_entry(struct ct_tree_reader *reader, const struct ct_entry *entry,
                          const struct ct_window *window, struct ct_store_sum *sum)
{
    const struct ct_summary *summary = &entry->summary;
    size_t count;

    if (!ct_touches(window, summary->first_begin_ns, summary->last_end_ns))
        return TRUE;
    if (summary->first_begin_ns >= window->begin_ns && summary->last_end_ns <= window->end_ns) {
        add_inside(sum, summary);
        return TRUE;
    }
    if (entry->level == 0)
        return sum_block(reader, entry, window, sum);
    g_autofree struct ct_entry *entries = ct_page_load(reader, entry, &count);
    gboolean is_whole = entries != NULL;

    for (size_t i = 0; is_whole && i < count; i++)
        is_whole = sum_entry(reader, &entries[i], window, sum);
    return is_whole;
}

gboolean ct_store_sum(struct ct_store *store, const struct ct_thread *thread,
                      const struct ct_window *window, struct ct_store_sum *sum, GError **error)
{
    const struct ct_store_lane *lane = ct_store_thread_lane(store, CT_LANE_INTERVALS, thread);

    struct ct_tree_reader reader = ct_store_reader(store);

    *sum = (struct ct_store_sum){0};
    return !lane || sum_entry(&reader, &lane->root, window, sum) || ct_store_fail(error);
}

/* ---- Threads in a scope ---- */

static gboolean is_asked(const struct ct_store_scope *scope, const struct ct_thread *thread)
{
    return !scope->selection || ct_selection_has_thread(scope->selection, thread);
}

static const struct ct_window *window_of(const struct ct_store_scope *scope)
{
    static const struct ct_window all = {0, UINT64_MAX};

    return scope->window ? scope->window : &all;
}

/* ---- Sums by operation, object and stack ---- */

static guint group_hash(const void *data)
{
    const struct ct_store_group_sum *group = data;
    uint64_t mixed = (uintptr_t)group->process ^ group->object ^ (uint64_t)group->stack_id << 20 ^
                     (uint64_t)group->op << 8 ^ (uint64_t)group->object_kind;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean group_equal(const void *a, const void *b)
{
    const struct ct_store_group_sum *first = a, *second = b;

    return first->process == second->process && first->op == second->op &&
           first->object_kind == second->object_kind && first->object == second->object &&
           first->stack_id == second->stack_id;
}

static struct ct_store_group_sum group_of(enum ct_store_group group,
                                          const struct ct_interval *interval)
{
    switch (group) {
    case CT_STORE_BY_OP:
        return (struct ct_store_group_sum){.op = interval->op};
    case CT_STORE_BY_OBJECT:
        return (struct ct_store_group_sum){.process = interval->thread->process,
                                           .object_kind = ct_op_object(interval->op),
                                           .object = interval->object};
    default:
        return (struct ct_store_group_sum){.process = interval->thread->process,
                                           .stack_id = interval->stack_id};
    }
}

static void add_to_group(GHashTable *groups, enum ct_store_group by,
                         const struct ct_interval *interval, const struct ct_window *window)
{
    struct ct_store_group_sum key = group_of(by, interval);
    struct ct_store_group_sum *group = g_hash_table_lookup(groups, &key);
    uint64_t time_ns = inside_ns(window, interval->begin_ns, interval->end_ns);

    if (!group) {
        group = g_new(struct ct_store_group_sum, 1);
        *group = key;
        g_hash_table_add(groups, group);
    }
    group->count++;
    group->ns += time_ns;
    group->unseen_ns += ct_unseen_ns(interval->weight, time_ns);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_groups(const void *a, const void *b)
{
    const struct ct_store_group_sum *first = a, *second = b;
    int order = COMPARE(second->ns, first->ns);

    if (order == 0 && first->process != second->process) {
        order = COMPARE(first->process->start_ns, second->process->start_ns);
        order = order != 0 ? order : COMPARE(first->process->pid, second->process->pid);
    }
    if (order == 0)
        order = COMPARE(first->op, second->op);
    if (order == 0)
        order = COMPARE(first->object_kind, second->object_kind);
    if (order == 0)
        order = COMPARE(first->object, second->object);
    return order != 0 ? order : COMPARE(first->stack_id, second->stack_id);
}

static GArray *list_groups(GHashTable *groups)
{
    GArray *sums = g_array_new(FALSE, FALSE, sizeof(struct ct_store_group_sum));
    GHashTableIter iter;
    void *group;

    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, &group, NULL))
        g_array_append_vals(sums, group, 1);
    g_array_sort(sums, compare_groups);
    return sums;
}

GArray *ct_store_sum_by(struct ct_store *store, enum ct_store_group group,
                        const struct ct_store_scope *scope, GError **error)
{
    g_autoptr(GHashTable) groups = g_hash_table_new_full(group_hash, group_equal, g_free, NULL);
    g_autoptr(GError) failure = NULL;

    for (guint i = 0; i < store->model->all_threads->len && !failure; i++) {
        const struct ct_thread *thread = store->model->all_threads->pdata[i];

        if (!thread || !is_asked(scope, thread))
            continue;
        g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, thread, scope->window);
        struct ct_store_event event;

        while (ct_store_cursor_next(cursor, &event, &failure)) {
            if (ct_store_lets(scope, &event.interval))
                add_to_group(groups, group, &event.interval, window_of(scope));
        }
    }
    if (!failure)
        return list_groups(groups);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* ---- The longest ---- */

struct search {
    struct ct_store *store; /* borrowed, as is the next */
    const struct ct_store_scope *scope;
    struct ct_tree_reader reader;
    const struct ct_window *window;
    guint count;
    GArray *found; /* owned; struct ct_store_long, in order, at most `count` */
};

/* Which stands first. */
static int compare_long(const struct ct_store_long *a, const struct ct_store_long *b)
{
    int order = COMPARE(b->inside_ns, a->inside_ns);

    if (order == 0)
        order = COMPARE(a->id.begin_ns, b->id.begin_ns);
    return order != 0 ? order : COMPARE(a->id.sequence, b->id.sequence);
}

/* Nothing of so much time, or less, has a place among them. */
static gboolean is_too_short(const struct search *search, uint64_t time_ns)
{
    return search->found->len == search->count &&
           (search->count == 0 ||
            time_ns <
                g_array_index(search->found, struct ct_store_long, search->count - 1).inside_ns);
}

static void offer(struct search *search, const struct ct_store_long *candidate)
{
    guint place = search->found->len;

    while (place > 0 && compare_long(candidate, &g_array_index(search->found, struct ct_store_long,
                                                               place - 1)) < 0)
        place--;
    if (place == search->count)
        return;
    g_array_insert_vals(search->found, place, candidate, 1);
    if (search->found->len > search->count)
        g_array_set_size(search->found, search->count);
}

/* A record that is no interval is found out by who is asked for it. */
static gboolean is_let(const struct search *search, struct ct_thread *thread,
                       const struct ct_store_record *record)
{
    struct ct_interval interval;
    struct ct_fd fd;

    return !search->scope->filter ||
           (ct_store_make_interval(search->store, thread, record, &interval, &fd) &&
            ct_store_lets(search->scope, &interval));
}

static gboolean search_block(struct search *search, const struct ct_entry *entry,
                             struct ct_thread *thread)
{
    g_autofree uint8_t *bytes = ct_entry_load(&search->reader, entry);
    struct ct_store_record record;
    struct ct_block block;

    if (!bytes)
        return FALSE;
    ct_block_open(&block, CT_LANE_INTERVALS, bytes, entry->size);
    while (ct_block_next(&block, &record)) {
        const struct ct_store_long candidate = {
            .id = {thread, record.begin_ns, record.sequence},
            .end_ns = record.end_ns,
            .inside_ns = inside_ns(search->window, record.begin_ns, record.end_ns),
        };

        if (ct_touches(search->window, record.begin_ns, record.end_ns) &&
            is_let(search, thread, &record))
            offer(search, &candidate);
    }
    ct_block_close(&block);
    return !block.input.is_bad;
}

static int compare_promise(const void *a, const void *b)
{
    const struct ct_entry *first = *(const struct ct_entry *const *)a;
    const struct ct_entry *second = *(const struct ct_entry *const *)b;

    return COMPARE(second->summary.longest_ns, first->summary.longest_ns);
}

/* Those first that promise the most: they may make it needless to look at others. */
static gboolean search_entry(struct search *search, const struct ct_entry *entry,
                             struct ct_thread *thread)
{
    const struct ct_summary *summary = &entry->summary;
    const struct ct_entry *order[CT_PAGE_ENTRIES];
    size_t count;

    if (!ct_touches(search->window, summary->first_begin_ns, summary->last_end_ns) ||
        is_too_short(search,
                     MIN(summary->longest_ns, search->window->end_ns - search->window->begin_ns)))
        return TRUE;
    if (entry->level == 0)
        return search_block(search, entry, thread);
    g_autofree struct ct_entry *entries = ct_page_load(&search->reader, entry, &count);
    gboolean is_whole = entries != NULL;

    for (size_t i = 0; is_whole && i < count; i++)
        order[i] = &entries[i];
    if (is_whole)
        qsort(order, count, sizeof(order[0]), compare_promise);
    for (size_t i = 0; is_whole && i < count; i++)
        is_whole = search_entry(search, order[i], thread);
    return is_whole;
}

GArray *ct_store_longest(struct ct_store *store, const struct ct_store_scope *scope, guint count,
                         GError **error)
{
    struct search search = {.store = store,
                            .scope = scope,
                            .reader = ct_store_reader(store),
                            .window = window_of(scope),
                            .count = count,
                            .found = g_array_new(FALSE, FALSE, sizeof(struct ct_store_long))};
    gboolean is_whole = TRUE;

    for (guint i = 0; i < store->model->all_threads->len && is_whole; i++) {
        struct ct_thread *thread = store->model->all_threads->pdata[i];
        const struct ct_store_lane *lane = ct_store_lane(store, CT_LANE_INTERVALS, i);

        if (thread && lane && is_asked(scope, thread))
            is_whole = search_entry(&search, &lane->root, thread);
    }
    if (is_whole)
        return search.found;
    g_array_unref(search.found);
    ct_store_fail(error);
    return NULL;
}

/* ---- States ---- */

GArray *ct_store_states(struct ct_store *store, uint64_t time_ns, GError **error)
{
    const struct ct_window window = {time_ns, time_ns};
    g_autoptr(GArray) states = g_array_new(FALSE, FALSE, sizeof(struct ct_store_state));
    const GPtrArray *threads = store->model->threads;
    g_autoptr(GError) failure = NULL;

    for (guint i = 0; i < threads->len && !failure; i++) {
        struct ct_store_state state = {.thread = threads->pdata[i], .class = CT_CLASS_RUNNING};
        struct ct_store_event event;

        if (time_ns < state.thread->start_ns || time_ns >= state.thread->end_ns)
            continue;
        g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, state.thread, &window);

        while (ct_store_cursor_next(cursor, &event, &failure)) {
            if (event.begin_ns > time_ns || event.end_ns <= time_ns)
                continue;
            state.class = event.interval.class;
            state.id = event.id;
        }
        g_array_append_val(states, state);
    }
    if (!failure)
        return g_steal_pointer(&states);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}
