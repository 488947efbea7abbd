/* Who let go of objects, found by number. */
#include "store/lanes.h"

/* Of one object are kept about as many, of all objects together no more than that: waits that are
 * asked for one after the other lie in about the same time, and have most of them in common. */
#define KEPT_MAX     (1U << 15)
#define ALL_KEPT_MAX (1U << 18)

/* So many before what is asked for are kept, too, once it was asked for what came before. */
#define KEPT_BEFORE (1U << 10)

/* Those of one object that follow each other. */
struct kept {
    uint64_t first;
    GArray *wakes; /* owned; struct ct_wake */
};

struct ct_release_cache {
    GHashTable *objects; /* owned; object -> struct kept *, owned */
    uint64_t all;        /* that are kept */
};

static void kept_free(void *data)
{
    struct kept *kept = data;

    g_array_unref(kept->wakes);
    g_free(kept);
}

struct ct_release_cache *ct_release_cache_new(void)
{
    struct ct_release_cache *cache = g_new0(struct ct_release_cache, 1);

    cache->objects = g_hash_table_new_full(NULL, NULL, NULL, kept_free);
    return cache;
}

void ct_release_cache_free(struct ct_release_cache *cache)
{
    g_hash_table_unref(cache->objects);
    g_free(cache);
}

/* Where the one of that number is. FALSE: nowhere. */
static gboolean find_block(const struct ct_store *store, const struct ct_entry *root,
                           uint64_t number, struct ct_entry *block)
{
    struct ct_tree_reader reader = ct_store_reader(store);

    *block = *root;
    while (block->level > 0) {
        size_t count, at = 0;
        g_autofree struct ct_entry *entries = ct_page_load(&reader, block, &count);

        while (entries && at + 1 < count && entries[at + 1].summary.first_begin_ns <= number)
            at++;
        if (!entries)
            return FALSE;
        *block = entries[at];
    }
    return TRUE;
}

/* Appends a block; of what lies in it before `next`, nothing. */
static gboolean decode(const struct ct_store *store, const struct ct_entry *entry, uint64_t next,
                       GArray *wakes)
{
    struct ct_tree_reader reader = ct_store_reader(store);
    g_autofree uint8_t *bytes = ct_entry_load(&reader, entry);
    guint before = wakes->len;
    struct ct_store_record record;
    struct ct_block block;

    if (!bytes)
        return FALSE;
    ct_block_open(&block, CT_LANE_RELEASES, bytes, entry->size);
    while (ct_block_next(&block, &record)) {
        const uint64_t *numbers = record.attribute->numbers;
        const struct ct_wake wake = {
            .time_ns = record.loose[CT_RELEASE_TIME],
            .thread = ct_store_thread(store, numbers[CT_RELEASE_THREAD]),
            .stack_id = (uint32_t)numbers[CT_RELEASE_STACK],
            .op = (enum ct_op)numbers[CT_RELEASE_OP],
        };

        if (record.begin_ns < next)
            continue;
        if (!wake.thread || numbers[CT_RELEASE_OP] >= CT_OP_COUNT || record.begin_ns != next++)
            block.input.is_bad = TRUE;
        g_array_append_val(wakes, wake);
    }
    ct_block_close(&block);
    return !block.input.is_bad && wakes->len > before;
}

static struct kept *find_kept(struct ct_release_cache *cache, uint64_t object)
{
    void *key = GUINT_TO_POINTER((guint)object);
    struct kept *kept = g_hash_table_lookup(cache->objects, key);

    if (cache->all > ALL_KEPT_MAX) {
        g_hash_table_remove_all(cache->objects);
        cache->all = 0;
        kept = NULL;
    }
    if (kept)
        return kept;
    kept = g_new0(struct kept, 1);
    kept->wakes = g_array_new(FALSE, FALSE, sizeof(struct ct_wake));
    g_hash_table_insert(cache->objects, key, kept);
    return kept;
}

/* Makes what is kept begin no later than there, and touch it. */
static void move_to(struct kept *kept, uint64_t first)
{
    uint64_t before = first - kept->first;

    if (first < kept->first || before > kept->wakes->len) {
        gboolean is_near = first < kept->first && kept->first - first < KEPT_MAX;

        g_array_set_size(kept->wakes, 0);
        kept->first = is_near ? first - MIN(first, KEPT_BEFORE) : first;
    } else if (before > KEPT_MAX) {
        g_array_remove_range(kept->wakes, 0, (guint)before);
        kept->first = first;
    }
}

static gboolean read_until(const struct ct_store *store, const struct ct_store_lane *lane,
                           struct kept *kept, uint64_t end)
{
    while (kept->first + kept->wakes->len < end) {
        uint64_t next = kept->first + kept->wakes->len;
        struct ct_entry entry;

        if (!find_block(store, &lane->root, next, &entry) ||
            !decode(store, &entry, next, kept->wakes))
            return FALSE;
    }
    return TRUE;
}

gboolean ct_store_load_releases(struct ct_store *store, struct ct_interval *interval,
                                GError **error)
{
    const struct ct_releases_at *at = &interval->releases_at;

    interval->releases = NULL;
    interval->release_count = 0;
    if (at->object == 0)
        return TRUE;
    const struct ct_store_lane *lane = ct_store_lane(store, CT_LANE_RELEASES, at->object - 1);

    if (!lane || at->count == 0 || at->count > lane->root.summary.count ||
        at->first > lane->root.summary.count - at->count)
        return ct_store_fail(error);
    struct kept *kept = find_kept(store->releases, at->object);

    store->releases->all -= kept->wakes->len;
    move_to(kept, at->first);
    gboolean is_whole = read_until(store, lane, kept, at->first + at->count);

    store->releases->all += kept->wakes->len;
    if (!is_whole)
        return ct_store_fail(error);
    interval->releases = &g_array_index(kept->wakes, struct ct_wake, at->first - kept->first);
    interval->release_count = (size_t)at->count;
    return TRUE;
}
