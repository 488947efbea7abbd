/* Who let go of objects, found by number. */
#include "store/lanes.h"

/* Objects of which some are kept decoded. */
#define CACHED_MAX 1024

/* A block of one object's. */
struct cached {
    uint64_t first;
    size_t count;
    struct ct_wake wakes[CT_BLOCK_RECORDS];
};

struct ct_release_cache {
    GHashTable *blocks; /* owned; object -> struct cached *, owned */
    GArray *asked;      /* owned; struct ct_wake */
};

struct ct_release_cache *ct_release_cache_new(void)
{
    struct ct_release_cache *cache = g_new0(struct ct_release_cache, 1);

    cache->blocks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    cache->asked = g_array_new(FALSE, FALSE, sizeof(struct ct_wake));
    return cache;
}

void ct_release_cache_free(struct ct_release_cache *cache)
{
    g_hash_table_unref(cache->blocks);
    g_array_unref(cache->asked);
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

static gboolean decode(const struct ct_store *store, const struct ct_entry *entry,
                       struct cached *cached)
{
    struct ct_tree_reader reader = ct_store_reader(store);
    g_autofree uint8_t *bytes = ct_entry_load(&reader, entry);
    struct ct_store_record record;
    struct ct_block block;

    if (!bytes)
        return FALSE;
    ct_block_open(&block, CT_LANE_RELEASES, bytes, entry->size);
    cached->count = 0;
    while (ct_block_next(&block, &record)) {
        const uint64_t *numbers = record.attribute->numbers;
        struct ct_thread *thread = ct_store_thread(store, numbers[CT_RELEASE_THREAD]);

        if (cached->count == 0)
            cached->first = record.begin_ns;
        if (!thread || numbers[CT_RELEASE_OP] >= CT_OP_COUNT ||
            record.begin_ns != cached->first + cached->count)
            block.input.is_bad = TRUE;
        cached->wakes[cached->count++] = (struct ct_wake){
            .time_ns = record.loose[CT_RELEASE_TIME],
            .thread = thread,
            .stack_id = (uint32_t)numbers[CT_RELEASE_STACK],
            .op = (enum ct_op)numbers[CT_RELEASE_OP],
        };
    }
    ct_block_close(&block);
    return !block.input.is_bad;
}

/* The block of that object's with that number. NULL: there is none. */
static const struct cached *find(struct ct_store *store, const struct ct_store_lane *lane,
                                 uint64_t number)
{
    GHashTable *blocks = store->releases->blocks;
    void *key = GUINT_TO_POINTER((guint)lane->subject);
    struct cached *cached = g_hash_table_lookup(blocks, key);
    struct ct_entry entry;

    if (cached && number - cached->first < cached->count)
        return cached;
    if (!cached) {
        if (g_hash_table_size(blocks) >= CACHED_MAX)
            g_hash_table_remove_all(blocks);
        cached = g_new0(struct cached, 1);
        g_hash_table_insert(blocks, key, cached);
    }
    if (find_block(store, &lane->root, number, &entry) && decode(store, &entry, cached) &&
        number - cached->first < cached->count)
        return cached;
    cached->count = 0;
    return NULL;
}

const struct ct_wake *ct_store_releases(struct ct_store *store, uint64_t object, uint64_t first,
                                        uint64_t count)
{
    const struct ct_store_lane *lane = ct_store_lane(store, CT_LANE_RELEASES, object);
    GArray *asked = store->releases->asked;

    g_array_set_size(asked, 0);
    if (!lane || count == 0 || count > lane->root.summary.count ||
        first > lane->root.summary.count - count)
        return NULL;
    while (asked->len < count) {
        uint64_t number = first + asked->len;
        const struct cached *cached = find(store, lane, number);

        if (!cached)
            return NULL;
        size_t at = (size_t)(number - cached->first);
        size_t more = MIN(cached->count - at, (size_t)(count - asked->len));

        g_array_append_vals(asked, cached->wakes + at, (guint)more);
    }
    return (const struct ct_wake *)(void *)asked->data;
}
