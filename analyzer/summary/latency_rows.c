#include "summary/latency_rows.h"

#include <string.h>

static void slow_free(void *data)
{
    struct ct_latency_slow *slow = data;

    g_free(slow->object);
    g_free(slow->waker);
    g_free(slow);
}

static void row_free(void *data)
{
    struct ct_latency_row *row = data;

    g_free(row->object);
    g_free(row->call_name);
    ct_histogram_free(row->times);
    if (row->slow)
        g_ptr_array_unref(row->slow);
    g_free(row);
}

void ct_latency_free(struct ct_latency *latency)
{
    if (!latency)
        return;
    for (size_t i = 0; i < CT_LATENCY_TABLE_COUNT; i++)
        g_ptr_array_unref(latency->tables[i]);
    ct_histogram_free(latency->all);
    g_free(latency);
}

struct ct_latency *ct_latency_new(void)
{
    struct ct_latency *latency = g_new0(struct ct_latency, 1);

    latency->all = ct_histogram_new();
    for (size_t i = 0; i < CT_LATENCY_TABLE_COUNT; i++)
        latency->tables[i] = g_ptr_array_new_with_free_func(row_free);
    return latency;
}

GPtrArray *ct_latency_slow_list(void)
{
    return g_ptr_array_new_with_free_func(slow_free);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

gboolean ct_latency_row_is_idle(const struct ct_latency_row *row)
{
    return row->idle_ns * 2 > ct_histogram_total_ns(row->times);
}

static int compare_rows(const void *a, const void *b)
{
    const struct ct_latency_row *first = *(struct ct_latency_row *const *)a;
    const struct ct_latency_row *second = *(struct ct_latency_row *const *)b;
    int order = COMPARE(first->is_others, second->is_others);

    if (order == 0)
        order = COMPARE(ct_latency_row_is_idle(first), ct_latency_row_is_idle(second));
    if (order == 0)
        order = COMPARE(ct_histogram_total_ns(second->times), ct_histogram_total_ns(first->times));
    if (order == 0)
        order = COMPARE(first->op, second->op);
    if (order == 0)
        order = strcmp(first->object, second->object);
    if (order == 0 && first->process && second->process)
        order = COMPARE(first->process->pid, second->process->pid);
    return order != 0 ? order : COMPARE(first->stack_id, second->stack_id);
}

static int compare_slow(const void *a, const void *b)
{
    const struct ct_latency_slow *first = *(struct ct_latency_slow *const *)a;
    const struct ct_latency_slow *second = *(struct ct_latency_slow *const *)b;
    int order = COMPARE(second->total_ns, first->total_ns);

    order = order != 0 ? order : strcmp(first->object, second->object);
    return order != 0 ? order : strcmp(first->waker, second->waker);
}

void ct_latency_sort(struct ct_latency *latency)
{
    const GPtrArray *places = latency->tables[CT_LATENCY_PLACES];

    for (guint i = 0; i < places->len; i++)
        g_ptr_array_sort(((struct ct_latency_row *)places->pdata[i])->slow, compare_slow);
    for (size_t i = 0; i < CT_LATENCY_TABLE_COUNT; i++)
        g_ptr_array_sort(latency->tables[i], compare_rows);
}
