/*
 * Tiles of lanes, as little-endian numbers that a page takes as they are:
 *
 *   u32 "CVET"   u32 version 1   u32 lanes   u32 columns   f64 level   f64 first column
 *
 * and then, for each lane in the order asked, twelve arrays of one f64 for each column, which is
 * [(first + i) << level, (first + i + 1) << level) from the recording's begin:
 *
 *   8 x  ns of each state (a thread's: its life in the column; a kind's: the sum over its threads;
 *        a CPU's: [0] is what the program ran there; an object's: [0] is the sum over its waiters)
 *   4 x  the longest interval that touches the column: its begin (no number: there is none), end,
 *        state and thread
 */
#include "store/columns.h"
#include "view/reader/reader.h"

#include <math.h>
#include <string.h>

#define TILE_VERSION 1
#define COLUMNS_MAX  1024
#define ARRAYS       (CT_CLASS_COUNT + 4)

static void put_u32(GByteArray *bytes, uint32_t value)
{
    uint32_t little = GUINT32_TO_LE(value);

    g_byte_array_append(bytes, (const guint8 *)&little, sizeof(little));
}

static void put_f64(GByteArray *bytes, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    bits = GUINT64_TO_LE(bits);
    g_byte_array_append(bytes, (const guint8 *)&bits, sizeof(bits));
}

static struct ct_window column_window(const struct ct_store_grid *grid, guint column)
{
    uint64_t width_ns = UINT64_C(1) << grid->level;
    uint64_t begin_ns = grid->begin_ns + width_ns * column;

    return (struct ct_window){begin_ns, ct_add_u64(begin_ns, width_ns)};
}

/* What is no interval of a thread's life, it ran. */
static gboolean add_thread(struct ct_view_reader *reader, struct ct_thread *thread,
                           const struct ct_store_grid *grid, struct ct_store_column *columns,
                           GError **error)
{
    if (!ct_store_thread_columns(reader->store, thread, grid, columns, error))
        return FALSE;
    for (guint i = 0; i < grid->count; i++) {
        const struct ct_window window = column_window(grid, i);
        uint64_t left_ns = ct_view_alive_ns(thread, &window);

        for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
            left_ns -= MIN(left_ns, columns[i].class_ns[class]);
        columns[i].class_ns[CT_CLASS_RUNNING] += left_ns;
    }
    return TRUE;
}

static void take_longer(struct ct_store_peak *peak, const struct ct_store_peak *other)
{
    if (other->is_there &&
        (!peak->is_there || other->end_ns - other->begin_ns > peak->end_ns - peak->begin_ns))
        *peak = *other;
}

static gboolean add_kind(struct ct_view_reader *reader, const struct ct_view_kind_of_threads *kind,
                         const struct ct_store_grid *grid, struct ct_store_column *columns,
                         GError **error)
{
    g_autofree struct ct_store_column *own = g_new(struct ct_store_column, grid->count);

    for (guint i = 0; i < kind->threads->len; i++) {
        memset(own, 0, sizeof(*own) * grid->count);
        if (!add_thread(reader, kind->threads->pdata[i], grid, own, error))
            return FALSE;
        for (guint column = 0; column < grid->count; column++) {
            for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
                columns[column].class_ns[class] += own[column].class_ns[class];
            take_longer(&columns[column].peak, &own[column].peak);
        }
    }
    return TRUE;
}

static gboolean add_lane(struct ct_view_reader *reader, const struct ct_view_lane *lane,
                         const struct ct_store_grid *grid, struct ct_store_column *columns,
                         GError **error)
{
    const struct ct_view_kind_of_threads *kind;
    struct ct_thread *thread;

    switch (lane->kind) {
    case CT_VIEW_LANE_THREAD:
        thread = ct_view_find_thread(reader, lane->number, error);
        return thread && add_thread(reader, thread, grid, columns, error);
    case CT_VIEW_LANE_KIND:
        kind = ct_view_find_kind(reader, lane->number, error);
        return kind && add_kind(reader, kind, grid, columns, error);
    case CT_VIEW_LANE_CPU:
        return ct_store_cpu_columns(reader->store, lane->number, grid, columns, error);
    case CT_VIEW_LANE_OBJECT:
        return ct_store_object_columns(reader->store, lane->number, grid, columns, error);
    default:
        g_assert_not_reached();
    }
}

static void put_columns(const struct ct_view_reader *reader, GByteArray *bytes,
                        const struct ct_store_column *columns, guint count)
{
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        for (guint i = 0; i < count; i++)
            put_f64(bytes, (double)columns[i].class_ns[class]);
    for (guint i = 0; i < count; i++)
        put_f64(bytes, columns[i].peak.is_there
                           ? (double)ct_view_moment(reader, columns[i].peak.begin_ns)
                           : (double)NAN);
    for (guint i = 0; i < count; i++)
        put_f64(bytes, columns[i].peak.is_there
                           ? (double)ct_view_moment(reader, columns[i].peak.end_ns)
                           : (double)NAN);
    for (guint i = 0; i < count; i++)
        put_f64(bytes, columns[i].peak.class);
    for (guint i = 0; i < count; i++)
        put_f64(bytes, columns[i].peak.thread ? columns[i].peak.thread->number : 0);
}

/* FALSE: it is beyond all times. */
static gboolean set_grid(const struct ct_view_reader *reader, uint64_t level, uint64_t first,
                         uint64_t count, struct ct_store_grid *grid, GError **error)
{
    uint64_t end_ns;

    if (__builtin_mul_overflow(first + count, UINT64_C(1) << level, &end_ns) ||
        __builtin_add_overflow(end_ns, reader->model->begin_ns, &end_ns) || end_ns > INT64_MAX) {
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG, "first is beyond all times");
        return FALSE;
    }
    *grid = (struct ct_store_grid){reader->model->begin_ns + (first << level), (unsigned)level,
                                   (guint)count};
    return TRUE;
}

gboolean ct_view_tiles(struct ct_view_reader *reader, GHashTable *params,
                       struct ct_view_answer *answer, GError **error)
{
    const char *text = g_hash_table_lookup(params, "lanes");
    uint64_t level, first, count;
    struct ct_store_grid grid;

    if (!ct_view_param_number(params, "level", 0, CT_COLUMN_LEVEL_MAX, &level, error) ||
        !ct_view_param_number(params, "first", 0, CT_VIEW_MOMENT_MAX, &first, error) ||
        !ct_view_param_number(params, "count", 1, COLUMNS_MAX, &count, error) ||
        !set_grid(reader, level, first, count, &grid, error))
        return FALSE;
    g_autoptr(GArray) lanes = ct_view_lanes_parse(text ? text : "", CT_VIEW_LANES_MAX, error);
    g_autofree struct ct_store_column *columns = g_new(struct ct_store_column, count);

    if (!lanes)
        return FALSE;
    put_u32(answer->bytes, 0x54455643);
    put_u32(answer->bytes, TILE_VERSION);
    put_u32(answer->bytes, lanes->len);
    put_u32(answer->bytes, grid.count);
    put_f64(answer->bytes, (double)level);
    put_f64(answer->bytes, (double)first);
    for (guint i = 0; i < lanes->len; i++) {
        memset(columns, 0, sizeof(*columns) * grid.count);
        if (!add_lane(reader, &g_array_index(lanes, struct ct_view_lane, i), &grid, columns, error))
            return FALSE;
        put_columns(reader, answer->bytes, columns, grid.count);
    }
    return TRUE;
}
