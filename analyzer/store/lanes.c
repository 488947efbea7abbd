#include "store/lanes.h"

G_DEFINE_QUARK(ct - store - error - quark, ct_store_error)

gboolean ct_store_fail(GError **error)
{
    g_set_error(error, CT_STORE_ERROR, CT_STORE_ERROR_DAMAGED,
                "what was kept of an earlier reading is damaged");
    return FALSE;
}

const struct ct_store_lane *ct_store_lane(const struct ct_store *store, enum ct_lane_kind kind,
                                          uint64_t subject)
{
    guint place = subject <= UINT32_MAX
                      ? GPOINTER_TO_UINT(g_hash_table_lookup(store->by_subject[kind],
                                                             GUINT_TO_POINTER((guint)subject)))
                      : 0;
    const struct ct_store_lane *lane =
        place > 0 ? &g_array_index(store->lanes, struct ct_store_lane, place - 1) : NULL;

    return lane && lane->root.summary.count > 0 ? lane : NULL;
}

const struct ct_store_lane *ct_store_thread_lane(const struct ct_store *store,
                                                 enum ct_lane_kind kind,
                                                 const struct ct_thread *thread)
{
    return ct_store_lane(store, kind, thread->number);
}

struct ct_thread *ct_store_thread(const struct ct_store *store, uint64_t number)
{
    const GPtrArray *threads = store->model->all_threads;

    return number < threads->len ? threads->pdata[number] : NULL;
}
