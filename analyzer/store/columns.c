#include "store/columns.h"

#include "store/lanes.h"

/* A page that was loaded last, of its level. */
struct loaded {
    uint64_t offset;
    struct ct_entry *entries; /* owned; NULL: none was */
    size_t count;
};

struct walk {
    struct ct_store *store;           /* borrowed, as are the next three */
    const struct ct_store_lane *lane; /* not empty */
    const struct ct_store_grid *grid;
    struct ct_store_column *columns;
    struct ct_window window;              /* of the grid */
    struct ct_tree_reader reader;         /* of the sums */
    struct ct_tree_reader finder;         /* of the longest, which sums do not tell all about */
    struct loaded loaded[CT_TREE_LEVELS]; /* by the finder */
    uint8_t *is_to_find;                  /* owned; for each column */
};

static uint64_t column_begin(const struct walk *walk, guint column)
{
    return walk->grid->begin_ns + ((uint64_t)column << walk->grid->level);
}

/* Times in the window only. */
static guint column_of(const struct walk *walk, uint64_t time_ns)
{
    uint64_t column = (time_ns - walk->window.begin_ns) >> walk->grid->level;

    return (guint)MIN(column, walk->grid->count - 1);
}

/* Is it in the columns at all? What takes no time is where it begins. */
static gboolean is_in(const struct ct_window *window, uint64_t begin_ns, uint64_t end_ns)
{
    return begin_ns < window->end_ns &&
           (end_ns > window->begin_ns || (begin_ns == end_ns && begin_ns >= window->begin_ns));
}

static gboolean is_longer(const struct ct_store_peak *peak, const struct ct_store_peak *than)
{
    uint64_t peak_ns = peak->end_ns - peak->begin_ns;
    uint64_t than_ns = than->end_ns - than->begin_ns;

    if (!than->is_there || peak_ns != than_ns)
        return !than->is_there || peak_ns > than_ns;
    return peak->begin_ns != than->begin_ns ? peak->begin_ns < than->begin_ns
                                            : peak->sequence < than->sequence;
}

static void offer(struct walk *walk, guint column, const struct ct_store_peak *peak,
                  gboolean is_to_find)
{
    if (!is_longer(peak, &walk->columns[column].peak))
        return;
    walk->columns[column].peak = *peak;
    walk->is_to_find[column] = is_to_find;
}

/* ---- Records ---- */

/* FALSE: the record is none of that lane. */
static gboolean describe(const struct walk *walk, const struct ct_store_record *record,
                         struct ct_store_peak *peak)
{
    const uint64_t *numbers = record->attribute->numbers;
    uint64_t class = CT_CLASS_RUNNING;
    uint64_t thread = walk->lane->subject;

    if (walk->lane->kind == CT_LANE_INTERVALS)
        class = numbers[CT_INTERVAL_CLASS];
    else if (walk->lane->kind == CT_LANE_CPU_RUNS)
        thread = numbers[CT_CPU_RUN_THREAD];
    else
        thread = numbers[CT_OBJECT_WAIT_THREAD];
    if (class >= CT_CLASS_COUNT || record->begin_ns > record->end_ns)
        return FALSE;
    *peak = (struct ct_store_peak){
        .is_there = TRUE,
        .begin_ns = record->begin_ns,
        .end_ns = record->end_ns,
        .sequence = record->sequence,
        .class = (enum ct_class) class,
        .thread = ct_store_thread(walk->store, thread),
    };
    return peak->thread != NULL;
}

static void add_record(struct walk *walk, const struct ct_store_peak *peak)
{
    if (!is_in(&walk->window, peak->begin_ns, peak->end_ns))
        return;
    uint64_t from_ns = MAX(peak->begin_ns, walk->window.begin_ns);
    uint64_t to_ns = MIN(peak->end_ns, walk->window.end_ns);
    guint last = column_of(walk, to_ns > from_ns ? to_ns - 1 : from_ns);

    for (guint column = column_of(walk, from_ns); column <= last; column++) {
        uint64_t end_ns = column < last ? column_begin(walk, column + 1) : to_ns;

        walk->columns[column].class_ns[peak->class] += end_ns - from_ns;
        offer(walk, column, peak, FALSE);
        from_ns = end_ns;
    }
}

static gboolean add_block(struct walk *walk, const struct ct_entry *entry)
{
    g_autofree uint8_t *bytes = ct_entry_load(&walk->reader, entry);
    struct ct_store_record record;
    struct ct_store_peak peak;
    struct ct_block block;

    if (!bytes)
        return FALSE;
    ct_block_open(&block, walk->lane->kind, bytes, entry->size);
    while (ct_block_next(&block, &record)) {
        if (!describe(walk, &record, &peak)) {
            block.input.is_bad = TRUE;
            break;
        }
        add_record(walk, &peak);
    }
    ct_block_close(&block);
    return !block.input.is_bad;
}

/* ---- Pages ---- */

/* Nothing of it is beyond the column in which it begins. */
static gboolean is_in_one_column(const struct walk *walk, const struct ct_summary *summary)
{
    if (summary->first_begin_ns < walk->window.begin_ns ||
        summary->last_begin_ns >= walk->window.end_ns || summary->last_end_ns > walk->window.end_ns)
        return FALSE;
    guint column = column_of(walk, summary->first_begin_ns);

    return column_of(walk, summary->last_begin_ns) == column &&
           (summary->last_end_ns <= summary->last_begin_ns ||
            column_of(walk, summary->last_end_ns - 1) == column);
}

static void add_summary(struct walk *walk, const struct ct_summary *summary)
{
    guint column = column_of(walk, summary->first_begin_ns);
    const struct ct_store_peak peak = {
        .is_there = TRUE,
        .begin_ns = summary->longest_begin_ns,
        .end_ns = summary->longest_begin_ns + summary->longest_ns,
        .sequence = summary->longest_sequence,
    };

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        walk->columns[column].class_ns[class] += summary->class_ns[class];
    offer(walk, column, &peak, TRUE);
}

static gboolean add_entry(struct walk *walk, const struct ct_entry *entry)
{
    const struct ct_summary *summary = &entry->summary;
    size_t count;

    if (summary->first_begin_ns >= walk->window.end_ns ||
        summary->last_end_ns < walk->window.begin_ns)
        return TRUE;
    if (is_in_one_column(walk, summary)) {
        add_summary(walk, summary);
        return TRUE;
    }
    if (entry->level == 0)
        return add_block(walk, entry);
    g_autofree struct ct_entry *entries = ct_page_load(&walk->reader, entry, &count);
    gboolean is_whole = entries != NULL;

    for (size_t i = 0; is_whole && i < count; i++)
        is_whole = add_entry(walk, &entries[i]);
    return is_whole;
}

/* ---- The longest, where a page told of it ---- */

static const struct loaded *load(struct walk *walk, const struct ct_entry *entry)
{
    struct loaded *loaded = &walk->loaded[entry->level];

    if (!loaded->entries || loaded->offset != entry->offset) {
        g_free(loaded->entries);
        loaded->offset = entry->offset;
        loaded->entries = ct_page_load(&walk->finder, entry, &loaded->count);
    }
    return loaded->entries ? loaded : NULL;
}

/* FALSE: the block cannot be read, or is none. */
static gboolean find_in_block(struct walk *walk, const struct ct_entry *entry,
                              struct ct_store_peak *peak, gboolean *is_found)
{
    g_autofree uint8_t *bytes = ct_entry_load(&walk->finder, entry);
    struct ct_store_record record;
    struct ct_store_peak found;
    struct ct_block block;

    if (!bytes)
        return FALSE;
    ct_block_open(&block, walk->lane->kind, bytes, entry->size);
    while (!*is_found && ct_block_next(&block, &record)) {
        if (record.begin_ns != peak->begin_ns || record.sequence != peak->sequence)
            continue;
        *is_found = describe(walk, &record, &found) && found.end_ns == peak->end_ns;
        if (!*is_found)
            break;
        *peak = found;
    }
    ct_block_close(&block);
    return !block.input.is_bad;
}

/* Several may hold that time: blocks overlap where records begin at once. */
static gboolean find(struct walk *walk, const struct ct_entry *entry, struct ct_store_peak *peak,
                     gboolean *is_found)
{
    gboolean is_whole = TRUE;

    if (peak->begin_ns < entry->summary.first_begin_ns ||
        peak->begin_ns > entry->summary.last_begin_ns)
        return TRUE;
    if (entry->level == 0)
        return find_in_block(walk, entry, peak, is_found);
    const struct loaded *page = load(walk, entry);

    for (size_t i = 0; page && is_whole && !*is_found && i < page->count; i++)
        is_whole = find(walk, &page->entries[i], peak, is_found);
    return page && is_whole;
}

static gboolean find_peaks(struct walk *walk)
{
    for (guint column = 0; column < walk->grid->count; column++) {
        gboolean is_found = !walk->is_to_find[column];

        if (!is_found &&
            (!find(walk, &walk->lane->root, &walk->columns[column].peak, &is_found) || !is_found))
            return FALSE;
    }
    return TRUE;
}

/* ---- Lanes ---- */

static gboolean fill(struct ct_store *store, const struct ct_store_lane *lane,
                     const struct ct_store_grid *grid, struct ct_store_column *columns,
                     GError **error)
{
    uint64_t width_ns = UINT64_C(1) << MIN(grid->level, CT_COLUMN_LEVEL_MAX);
    uint64_t end_ns;

    if (!lane || grid->count == 0)
        return TRUE;
    if (__builtin_mul_overflow(width_ns, grid->count, &end_ns) ||
        __builtin_add_overflow(end_ns, grid->begin_ns, &end_ns))
        end_ns = UINT64_MAX;
    struct walk walk = {
        .store = store,
        .lane = lane,
        .grid = grid,
        .columns = columns,
        .window = {grid->begin_ns, end_ns},
        .reader = ct_store_reader(store),
        .finder = ct_store_reader(store),
        .is_to_find = g_new0(uint8_t, grid->count),
    };
    gboolean is_whole = add_entry(&walk, &lane->root) && find_peaks(&walk);

    for (size_t level = 0; level < CT_TREE_LEVELS; level++)
        g_free(walk.loaded[level].entries);
    g_free(walk.is_to_find);
    return is_whole || ct_store_fail(error);
}

gboolean ct_store_thread_columns(struct ct_store *store, struct ct_thread *thread,
                                 const struct ct_store_grid *grid, struct ct_store_column *columns,
                                 GError **error)
{
    return fill(store, ct_store_thread_lane(store, CT_LANE_INTERVALS, thread), grid, columns,
                error);
}

gboolean ct_store_cpu_columns(struct ct_store *store, uint32_t cpu,
                              const struct ct_store_grid *grid, struct ct_store_column *columns,
                              GError **error)
{
    return fill(store, ct_store_lane(store, CT_LANE_CPU_RUNS, cpu), grid, columns, error);
}

gboolean ct_store_object_columns(struct ct_store *store, guint index,
                                 const struct ct_store_grid *grid, struct ct_store_column *columns,
                                 GError **error)
{
    return fill(store, ct_store_lane(store, CT_LANE_OBJECT_WAITS, index), grid, columns, error);
}

void ct_store_object_total(const struct ct_store *store, guint index, uint64_t *count,
                           uint64_t *waited_ns)
{
    const struct ct_store_lane *lane = ct_store_lane(store, CT_LANE_OBJECT_WAITS, index);

    *count = lane ? lane->root.summary.count : 0;
    *waited_ns = lane ? lane->root.summary.class_ns[CT_CLASS_RUNNING] : 0;
}

gboolean ct_store_object_longest(struct ct_store *store, guint index, struct ct_store_id *id,
                                 GError **error)
{
    const struct ct_store_lane *lane = ct_store_lane(store, CT_LANE_OBJECT_WAITS, index);

    if (!lane)
        return ct_store_fail(error);
    const struct ct_summary *sum = &lane->root.summary;
    /* Of those that were going on then, which are few. */
    const struct ct_window then = {sum->longest_begin_ns, ct_add_u64(sum->longest_begin_ns, 1)};
    g_autoptr(ct_store_cursor) waits = ct_store_object_waits(store, index, &then);
    struct ct_store_event wait;

    while (ct_store_cursor_next(waits, &wait, error)) {
        *id = wait.id;
        if (wait.begin_ns == sum->longest_begin_ns && wait.id.sequence == sum->longest_sequence)
            return TRUE;
    }
    return error && *error ? FALSE : ct_store_fail(error);
}
