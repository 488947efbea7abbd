#include "view/html/tiles.h"

#include "view/html/span.h"

#include <math.h>
#include <string.h>

/* As the page takes them. */
#define COLUMNS 256

/* Rows whose tiles are answered together: those of a screen are a few such groups. */
#define LANES_TOGETHER 16

/* Coarser than any screen needs. */
#define COLUMNS_AT_FIRST 64

/* Of a level: 65,536 columns, fifty screens side by side. */
#define TILES_MAX 256

/* What is looked through for a level, so that files of a thousand threads are written soon. */
#define WORK_MAX   (UINT64_C(1) << 30)
#define TILE_BYTES (UINT64_C(8) * COLUMNS * ARRAYS)

/* Finer ones tell of no interval that would be among the longest. */
#define TILES_SEEN_MAX 32

#define ARRAYS      (CT_CLASS_COUNT + 4)
#define HEADER_SIZE 32

/* As the page has its rows at first: see page/rows.js. */
enum { THREADS_OPEN_MAX = 24, OBJECTS_OPEN_MAX = 6 };

/* Folded rows stay so many levels behind. */
#define FOLDED_BEHIND 3

enum { TIER_SHOWN, TIER_FOLDED, TIER_COUNT };

struct tier {
    GPtrArray *lanes; /* owned; "t3", owned, too */
    guint behind;
    gboolean is_done;
};

/* Of some lanes, side by side; no more than COLUMNS. */
struct tile {
    const char *lanes; /* borrowed */
    guint level;
    struct ct_html_span columns;
};

struct ct_html_tiles {
    struct ct_html_span span;
    guint top; /* the coarsest level */
    struct tier tiers[TIER_COUNT];
    GHashTable *seen; /* owned; struct ct_html_seen */
};

/* ---- Lanes ---- */

static void add_lane(struct ct_html_tiles *tiles, JsonObject *thing, gboolean is_shown)
{
    g_ptr_array_add(tiles->tiers[is_shown ? TIER_SHOWN : TIER_FOLDED].lanes,
                    g_strdup(json_object_get_string_member(thing, "lane")));
}

static void add_lanes(struct ct_html_tiles *tiles, JsonObject *overview)
{
    JsonArray *threads = json_object_get_array_member(overview, "threads");
    JsonArray *kinds = json_object_get_array_member(overview, "kinds");
    JsonArray *cpus = json_object_get_array_member(overview, "cpus");
    JsonArray *objects = json_object_get_array_member(overview, "objects");
    guint thread_count = json_array_get_length(threads);

    for (guint i = 0; i < json_array_get_length(kinds); i++)
        add_lane(tiles, json_array_get_object_element(kinds, i), TRUE);
    for (guint i = 0; i < thread_count; i++) {
        JsonObject *thread = json_array_get_object_element(threads, i);

        add_lane(tiles, thread,
                 thread_count <= THREADS_OPEN_MAX || !json_object_has_member(thread, "kind"));
    }
    for (guint i = 0; i < json_array_get_length(cpus); i++)
        add_lane(tiles, json_array_get_object_element(cpus, i), TRUE);
    for (guint i = 0; i < json_array_get_length(objects); i++)
        add_lane(tiles, json_array_get_object_element(objects, i), i < OBJECTS_OPEN_MAX);
}

/* ---- Intervals ---- */

static guint seen_hash(const void *data)
{
    const struct ct_html_seen *seen = data;
    uint64_t mixed = (seen->begin ^ (uint64_t)seen->thread << 44) * UINT64_C(0x9e3779b97f4a7c15);

    return (guint)(mixed >> 32);
}

static gboolean seen_equal(const void *a, const void *b)
{
    const struct ct_html_seen *first = a, *second = b;

    return first->thread == second->thread && first->begin == second->begin;
}

static double number_at(const guint8 *numbers, size_t index)
{
    uint64_t bits;
    double number;

    memcpy(&bits, numbers + index * sizeof(bits), sizeof(bits));
    bits = GUINT64_FROM_LE(bits);
    memcpy(&number, &bits, sizeof(number));
    return number;
}

/* The longest ones of the columns of all lanes. A column at an edge has some that are beyond it. */
static void note_seen(struct ct_html_tiles *tiles, GBytes *answer, size_t count)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(answer, &size);
    const size_t lane_size = sizeof(double) * count * ARRAYS;

    for (size_t at = HEADER_SIZE; at + lane_size <= size; at += lane_size) {
        const guint8 *longest = bytes + at + sizeof(double) * count * CT_CLASS_COUNT;

        for (size_t i = 0; i < count; i++) {
            double begin = number_at(longest, i);
            const struct ct_html_seen seen = {
                .thread = (guint)number_at(longest, 3 * count + i),
                .begin = isnan(begin) ? 0 : (uint64_t)begin,
                .end = isnan(begin) ? 0 : (uint64_t)number_at(longest, count + i),
            };

            if (!isnan(begin) && seen.begin <= tiles->span.to && seen.end >= tiles->span.from &&
                !g_hash_table_contains(tiles->seen, &seen))
                g_hash_table_add(tiles->seen, g_memdup2(&seen, sizeof(seen)));
        }
    }
}

static int compare_seen(const void *a, const void *b)
{
    const struct ct_html_seen *first = a, *second = b;
    uint64_t first_ns = first->end - first->begin, second_ns = second->end - second->begin;

    if (first_ns != second_ns)
        return first_ns > second_ns ? -1 : 1;
    if (first->begin != second->begin)
        return first->begin < second->begin ? -1 : 1;
    return (first->thread > second->thread) - (first->thread < second->thread);
}

GArray *ct_html_tiles_seen(const struct ct_html_tiles *tiles)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct ct_html_seen));
    GHashTableIter iter;
    void *seen;

    g_hash_table_iter_init(&iter, tiles->seen);
    while (g_hash_table_iter_next(&iter, &seen, NULL))
        g_array_append_vals(all, seen, 1);
    g_array_sort(all, compare_seen);
    return all;
}

/* ---- Levels ---- */

/* The columns of a level that the span has a part of. */
static struct ct_html_span find_columns(const struct ct_html_tiles *tiles, guint level)
{
    return (struct ct_html_span){tiles->span.from >> level, (tiles->span.to >> level) + 1};
}

static uint64_t count_tiles(const struct ct_html_tiles *tiles, guint level)
{
    const struct ct_html_span columns = find_columns(tiles, level);

    return (columns.to - 1) / COLUMNS - columns.from / COLUMNS + 1;
}

static gboolean put_tile(struct ct_html_tiles *tiles, const struct ct_html_keeper *keeper,
                         const struct tile *tile, GString *piece, GError **error)
{
    g_autofree char *question = g_strdup_printf(
        "tiles?lanes=%s&level=%u&first=%" G_GUINT64_FORMAT "&count=%" G_GUINT64_FORMAT, tile->lanes,
        tile->level, tile->columns.from, tile->columns.to - tile->columns.from);
    g_autoptr(GBytes) answer = ct_html_ask(keeper, question, error);

    if (!answer)
        return FALSE;
    if (count_tiles(tiles, tile->level) <= TILES_SEEN_MAX)
        note_seen(tiles, answer, tile->columns.to - tile->columns.from);
    return ct_html_put(piece, question, answer, error);
}

/* All tiles of some lanes. */
static gboolean put_lanes(struct ct_html_tiles *tiles, const struct ct_html_keeper *keeper,
                          const char *lanes, guint level, GString *piece, GError **error)
{
    const struct ct_html_span all = find_columns(tiles, level);

    for (uint64_t first = all.from; first < all.to && piece->len <= keeper->room;) {
        uint64_t next = MIN((first / COLUMNS + 1) * COLUMNS, all.to);
        const struct tile tile = {lanes, level, {first, next}};

        if (!put_tile(tiles, keeper, &tile, piece, error))
            return FALSE;
        first = next;
    }
    return TRUE;
}

/* It ends early where there is no room. */
static gboolean put_level(struct ct_html_tiles *tiles, const struct ct_html_keeper *keeper,
                          const struct tier *tier, guint level, GString *piece, GError **error)
{
    for (guint begin = 0; begin < tier->lanes->len; begin += LANES_TOGETHER) {
        g_autoptr(GString) lanes = g_string_new(NULL);

        for (guint i = begin; i < MIN(begin + LANES_TOGETHER, tier->lanes->len); i++)
            g_string_append_printf(lanes, "%s%s", i > begin ? "," : "",
                                   (const char *)tier->lanes->pdata[i]);
        if (!put_lanes(tiles, keeper, lanes->str, level, piece, error))
            return FALSE;
    }
    return TRUE;
}

gboolean ct_html_tiles_put_first(struct ct_html_tiles *tiles, const struct ct_html_keeper *keeper,
                                 GString *piece, GError **error)
{
    for (size_t i = 0; i < TIER_COUNT; i++)
        if (!put_level(tiles, keeper, &tiles->tiers[i], tiles->top, piece, error))
            return FALSE;
    return TRUE;
}

/* A tier's next level, if it is its turn. */
static gboolean keep_level(struct ct_html_tiles *tiles, struct ct_html_keeper *keeper,
                           struct tier *tier, guint depth, GError **error)
{
    if (tier->is_done || depth <= tier->behind)
        return TRUE;
    guint below = depth - tier->behind;
    uint64_t count = below <= tiles->top ? count_tiles(tiles, tiles->top - below) : 0;

    if (count == 0 || count > TILES_MAX || count * tier->lanes->len * TILE_BYTES > WORK_MAX) {
        tier->is_done = TRUE;
        return TRUE;
    }
    g_autoptr(GString) piece = g_string_new(NULL);

    if (!put_level(tiles, keeper, tier, tiles->top - below, piece, error))
        return FALSE;
    tier->is_done = !ct_html_keep(keeper, piece);
    return TRUE;
}

gboolean ct_html_tiles_keep(struct ct_html_tiles *tiles, struct ct_html_keeper *keeper,
                            uint64_t reserve, GError **error)
{
    uint64_t reserved = MIN(reserve, keeper->room);
    gboolean is_whole = TRUE;

    keeper->room -= reserved;
    for (guint depth = 1;
         is_whole && !(tiles->tiers[TIER_SHOWN].is_done && tiles->tiers[TIER_FOLDED].is_done);
         depth++)
        for (size_t i = 0; i < TIER_COUNT && is_whole; i++)
            is_whole = keep_level(tiles, keeper, &tiles->tiers[i], depth, error);
    keeper->room += reserved;
    return is_whole;
}

struct ct_html_tiles *ct_html_tiles_new(JsonObject *overview)
{
    struct ct_html_tiles *tiles = g_new0(struct ct_html_tiles, 1);

    tiles->span = ct_html_shown(overview);
    while ((tiles->span.to - tiles->span.from) >> tiles->top > COLUMNS_AT_FIRST)
        tiles->top++;
    for (size_t i = 0; i < TIER_COUNT; i++)
        tiles->tiers[i].lanes = g_ptr_array_new_with_free_func(g_free);
    tiles->tiers[TIER_FOLDED].behind = FOLDED_BEHIND;
    tiles->seen = g_hash_table_new_full(seen_hash, seen_equal, g_free, NULL);
    add_lanes(tiles, overview);
    return tiles;
}

void ct_html_tiles_free(struct ct_html_tiles *tiles)
{
    for (size_t i = 0; i < TIER_COUNT; i++)
        g_ptr_array_unref(tiles->tiers[i].lanes);
    g_hash_table_unref(tiles->seen);
    g_free(tiles);
}
