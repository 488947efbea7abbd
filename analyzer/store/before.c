/* The way back in a lane: what began last before a time. */
#include "store/lanes.h"

struct search {
    struct ct_tree_reader reader;
    enum ct_lane_kind kind;
    uint64_t time_ns;
    gboolean is_found;
    uint64_t begin_ns;
    uint64_t sequence;
    uint64_t thread; /* of a wait for an object */
};

static gboolean search_block(struct search *search, const struct ct_entry *entry)
{
    g_autofree uint8_t *bytes = ct_entry_load(&search->reader, entry);
    struct ct_store_record record;
    struct ct_block block;

    if (!bytes)
        return FALSE;
    ct_block_open(&block, search->kind, bytes, entry->size);
    while (ct_block_next(&block, &record)) {
        if (record.begin_ns >= search->time_ns ||
            (search->is_found && record.begin_ns < search->begin_ns))
            continue;
        search->is_found = TRUE;
        search->begin_ns = record.begin_ns;
        search->sequence = record.sequence;
        search->thread = record.attribute->numbers[CT_OBJECT_WAIT_THREAD];
    }
    ct_block_close(&block);
    return !block.input.is_bad;
}

/* Blocks are in order: the last one that begins before it has it. */
static gboolean search_entry(struct search *search, const struct ct_entry *entry)
{
    gboolean is_whole = TRUE;
    size_t count;

    if (entry->summary.first_begin_ns >= search->time_ns)
        return TRUE;
    if (entry->level == 0)
        return search_block(search, entry);
    g_autofree struct ct_entry *entries = ct_page_load(&search->reader, entry, &count);

    for (size_t i = entries ? count : 0; is_whole && !search->is_found && i > 0; i--)
        is_whole = search_entry(search, &entries[i - 1]);
    return entries && is_whole;
}

static gboolean find(struct ct_store *store, const struct ct_store_lane *lane, uint64_t time_ns,
                     struct search *search, GError **error)
{
    if (!lane)
        return FALSE;
    *search = (struct search){ct_store_reader(store), lane->kind, time_ns, FALSE, 0, 0, 0};
    if (!search_entry(search, &lane->root))
        return ct_store_fail(error);
    return search->is_found;
}

gboolean ct_store_interval_before(struct ct_store *store, struct ct_thread *thread,
                                  uint64_t time_ns, struct ct_store_id *id, GError **error)
{
    struct search search;

    if (!find(store, ct_store_thread_lane(store, CT_LANE_INTERVALS, thread), time_ns, &search,
              error))
        return FALSE;
    *id = (struct ct_store_id){thread, search.begin_ns, search.sequence};
    return TRUE;
}

gboolean ct_store_object_wait_before(struct ct_store *store, guint index, uint64_t time_ns,
                                     struct ct_store_id *id, GError **error)
{
    struct search search;

    if (!find(store, ct_store_lane(store, CT_LANE_OBJECT_WAITS, index), time_ns, &search, error))
        return FALSE;
    *id = (struct ct_store_id){ct_store_thread(store, search.thread), search.begin_ns,
                               search.sequence};
    return id->thread || ct_store_fail(error);
}
