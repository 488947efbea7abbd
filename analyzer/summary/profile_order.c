#include "summary/profile_order.h"

#include <string.h>

/* Those that have none yet, behind the others. */
static void add_ranks(GHashTable *ranks, const GPtrArray *subjects)
{
    for (guint i = 0; i < subjects->len; i++)
        if (!g_hash_table_contains(ranks, subjects->pdata[i]))
            g_hash_table_insert(ranks, subjects->pdata[i],
                                GUINT_TO_POINTER(g_hash_table_size(ranks) + 1));
}

/* The positions of processes and threads in the model: pointers differ from run to run. */
GHashTable *ct_profile_ranks(const struct ct_model *model)
{
    GHashTable *ranks = g_hash_table_new(NULL, NULL);

    add_ranks(ranks, model->processes);
    add_ranks(ranks, model->threads);
    add_ranks(ranks, model->all_processes); /* also those from before the recording began */
    add_ranks(ranks, model->all_threads);
    return ranks;
}

static int compare_numbers(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

int ct_profile_compare_samples(const void *left, const void *right, void *user)
{
    const struct ct_profile_sample *a = left, *b = right;
    GHashTable *ranks = user;
    int order;

#define BY_RANK(field)                                                                     \
    if ((order = compare_numbers(GPOINTER_TO_UINT(g_hash_table_lookup(ranks, a->field)),   \
                                 GPOINTER_TO_UINT(g_hash_table_lookup(ranks, b->field))))) \
    return order
#define BY_NUMBER(field)                                                       \
    if ((order = compare_numbers((uint64_t)(a->field), (uint64_t)(b->field)))) \
    return order
    BY_RANK(process);
    BY_RANK(thread);
    BY_NUMBER(state);
    BY_NUMBER(stack_id);
    BY_NUMBER(op);
    BY_NUMBER(in_kernel);
    BY_NUMBER(is_partial);
    BY_NUMBER(is_hand_off);
    BY_NUMBER(is_others);
    BY_NUMBER(object);
    if ((order = strcmp(a->object_text, b->object_text)))
        return order;
    BY_RANK(other);
    BY_NUMBER(is_open);
    BY_NUMBER(is_idle);
    if ((order = strcmp(a->peer, b->peer)))
        return order;
    BY_NUMBER(count);
    BY_NUMBER(delay_ns);
    return 0;
#undef BY_RANK
#undef BY_NUMBER
}
