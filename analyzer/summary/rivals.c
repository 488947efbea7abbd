#include "summary/rivals.h"

#include <string.h>

/* Over all threads. */
#define RIVALS_MAX (1U << 16)

/* One task that ran instead of a thread. */
struct rival {
    const struct ct_thread *thread;
    const char *name; /* borrowed; the same pointer for the same name */
    uint64_t time_ns;
};

static guint rival_hash(const void *data)
{
    const struct rival *rival = data;
    uint64_t mixed = ((uintptr_t)rival->thread >> 4) + ((uintptr_t)rival->name << 7);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean rival_equal(const void *a, const void *b)
{
    const struct rival *first = a;
    const struct rival *second = b;

    return first->thread == second->thread && first->name == second->name;
}

/* Names of other programs' tasks have no end: those beyond the limit are not told. */
void ct_rivals_add(GHashTable *rivals, const struct ct_interval *interval)
{
    struct rival key = {.thread = interval->thread, .name = interval->preempted_by};
    struct rival *rival = g_hash_table_lookup(rivals, &key);

    if (!rival && g_hash_table_size(rivals) < RIVALS_MAX) {
        rival = g_new(struct rival, 1);
        *rival = key;
        g_hash_table_add(rivals, rival);
    }
    if (rival)
        rival->time_ns += interval->end_ns - interval->begin_ns;
}

/* name -> uint64_t *, the time that it took; the names are borrowed. */
static GHashTable *sum_rivals(GHashTable *rivals, GHashTable *threads)
{
    GHashTable *sums = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, rivals);
    while (g_hash_table_iter_next(&iter, &value, NULL)) {
        const struct rival *rival = value;

        if (!g_hash_table_contains(threads, rival->thread))
            continue;
        uint64_t *sum_ns = g_hash_table_lookup(sums, rival->name);

        if (!sum_ns) {
            sum_ns = g_new0(uint64_t, 1);
            g_hash_table_insert(sums, (void *)rival->name, sum_ns);
        }
        *sum_ns = ct_add_u64(*sum_ns, rival->time_ns);
    }
    return sums;
}

const char *ct_rivals_first(GHashTable *rivals, GHashTable *threads)
{
    g_autoptr(GHashTable) sums = sum_rivals(rivals, threads);
    const char *first = NULL;
    uint64_t longest_ns = 0;
    GHashTableIter iter;
    void *name;
    void *value;

    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        uint64_t sum_ns = *(const uint64_t *)value;

        if (first && (sum_ns < longest_ns || (sum_ns == longest_ns && strcmp(name, first) > 0)))
            continue;
        first = name;
        longest_ns = sum_ns;
    }
    return first;
}

GHashTable *ct_rivals_new(void)
{
    return g_hash_table_new_full(rival_hash, rival_equal, g_free, NULL);
}
