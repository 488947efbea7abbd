#include "conditions/circle.h"

static const struct ct_lock_wait *wait_of(const GHashTable *by_tid, pid_t tid)
{
    return g_hash_table_lookup((GHashTable *)by_tid, GINT_TO_POINTER(tid));
}

/* Each thread waits for one other at most: as many steps as there are threads lead into a circle,
 * if into any. NULL: they lead to somebody who waits for nobody. */
static const struct ct_lock_wait *walk(const GHashTable *by_tid, const struct ct_lock_wait *wait)
{
    for (guint i = g_hash_table_size((GHashTable *)by_tid); wait && i > 0; i--) {
        const struct ct_lock_wait *next = wait_of(by_tid, wait->owner);

        wait = next && next->pid == wait->pid ? next : NULL;
    }
    return wait;
}

static GArray *collect(const GHashTable *by_tid, const struct ct_lock_wait *first)
{
    GArray *circle = g_array_new(FALSE, FALSE, sizeof(pid_t));
    const struct ct_lock_wait *lowest = first;
    const struct ct_lock_wait *wait = first;

    do {
        if (wait->tid < lowest->tid)
            lowest = wait;
        wait = wait_of(by_tid, wait->owner);
    } while (wait != first);
    wait = lowest;
    do {
        g_array_append_val(circle, wait->tid);
        wait = wait_of(by_tid, wait->owner);
    } while (wait != lowest);
    return circle;
}

GArray *ct_circle_find(const GArray *waits)
{
    g_autoptr(GHashTable) by_tid = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < waits->len; i++) {
        struct ct_lock_wait *wait = &g_array_index(waits, struct ct_lock_wait, i);

        g_hash_table_insert(by_tid, GINT_TO_POINTER(wait->tid), wait);
    }
    for (guint i = 0; i < waits->len; i++) {
        const struct ct_lock_wait *inside =
            walk(by_tid, &g_array_index(waits, struct ct_lock_wait, i));

        if (inside)
            return collect(by_tid, inside);
    }
    return NULL;
}
