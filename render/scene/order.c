/* In which order the rows come. */
#include "scene/steps.h"

#include <string.h>

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_processes(const struct ct_process *left, const struct ct_process *right)
{
    int order = compare(left->start_ns, right->start_ns);

    return order ? order : (left->pid > right->pid) - (left->pid < right->pid);
}

int ct_lane_compare_start(const struct ct_lane *first, const struct ct_lane *second)
{
    const struct ct_thread *left = first->thread, *right = second->thread;
    int order = compare_processes(left->process, right->process);

    if (!order)
        order = (left->tid != left->process->pid) - (right->tid != right->process->pid);
    if (!order)
        order = compare(left->start_ns, right->start_ns);
    return order ? order : (left->tid > right->tid) - (left->tid < right->tid);
}

/* ---- What each order goes by: less comes first ---- */

static uint64_t of_start(const struct ct_lane *lane)
{
    (void)lane;
    return 0;
}

static uint64_t of_activity(const struct ct_lane *lane)
{
    return UINT64_MAX -
           ct_add_u64(lane->class_ns[CT_CLASS_RUNNING], lane->class_ns[CT_CLASS_RUNNABLE]);
}

/* Waits are by begin: the first moment that no wait goes on to. */
static uint64_t of_time(const struct ct_lane *lane)
{
    uint64_t first_ns = lane->alive.begin_ns;
    const struct ct_timeline_thread *waited = lane->waited;

    for (uint32_t i = 0; waited && i < waited->wait_count; i++) {
        if (waited->waits[i].begin_ns > first_ns)
            break;
        first_ns = MAX(first_ns, waited->waits[i].end_ns);
    }
    return first_ns;
}

static int compare_names(const char *left, const char *right)
{
    return strverscmp(left, right);
}

static const struct order {
    uint64_t (*key_of)(const struct ct_lane *lane);
    gboolean is_by_name;
} orders[] = {
    [CT_SCENE_SORT_START] = {of_start, FALSE},
    [CT_SCENE_SORT_ACTIVITY] = {of_activity, FALSE},
    [CT_SCENE_SORT_NAME] = {of_start, TRUE},
    [CT_SCENE_SORT_TIME] = {of_time, FALSE},
};

struct sorting {
    const struct order *order;
    GHashTable *keys; /* owned; struct ct_process * -> uint64_t *, owned: its first thread's */
};

static void note_process(const struct sorting *sorting, const struct ct_lane *lane)
{
    uint64_t key = sorting->order->key_of(lane);
    uint64_t *known = g_hash_table_lookup(sorting->keys, lane->thread->process);

    if (!known)
        g_hash_table_insert(sorting->keys, lane->thread->process, g_memdup2(&key, sizeof(key)));
    else
        *known = MIN(*known, key);
}

static int compare_lanes(gconstpointer a, gconstpointer b, gpointer user)
{
    const struct sorting *sorting = user;
    const struct ct_lane *left = a, *right = b;
    const struct ct_process *first = left->thread->process, *second = right->thread->process;
    gboolean is_by_name = sorting->order->is_by_name;
    int order = 0;

    if (first != second) {
        order = is_by_name ? compare_names(first->name, second->name)
                           : compare(*(const uint64_t *)g_hash_table_lookup(sorting->keys, first),
                                     *(const uint64_t *)g_hash_table_lookup(sorting->keys, second));
        return order ? order : compare_processes(first, second);
    }
    order = is_by_name ? compare_names(left->thread->name, right->thread->name)
                       : compare(sorting->order->key_of(left), sorting->order->key_of(right));
    return order ? order : ct_lane_compare_start(left, right);
}

void ct_lanes_sort(GArray *lanes, enum ct_scene_sort sort)
{
    g_autoptr(GHashTable) keys = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    struct sorting sorting = {&orders[sort], keys};

    for (guint i = 0; i < lanes->len; i++)
        note_process(&sorting, &g_array_index(lanes, struct ct_lane, i));
    g_array_sort_with_data(lanes, compare_lanes, &sorting);
}
