/* All that happened, in the order in which it came: lanes are merged, a block of each at a time. */
#include "store/lanes.h"

#include <string.h>

/* A page or block of a lane that is being gone through. */
struct source {
    uint64_t sequence; /* nothing of what is left in it comes before */
    struct ct_thread *thread;
    enum ct_lane_kind kind;

    struct ct_entry *entries; /* owned; of a page; NULL: it is a block */
    uint64_t *least;          /* owned; of each entry and those after it, the first sequence */
    size_t count;
    size_t at;

    uint8_t *bytes; /* owned; of a block */
    struct ct_block block;
    struct ct_store_record record; /* the one that is next */
};

struct replay {
    struct ct_store *store; /* borrowed, as are the next two */
    const struct ct_store_scope *scope;
    const struct ct_sink *sink;
    GPtrArray *heap; /* owned; struct source *, owned: the first on top */
    struct ct_tree_reader reader;
    gboolean is_bad;
};

static void source_free(struct source *source)
{
    ct_block_close(&source->block);
    g_free(source->entries);
    g_free(source->least);
    g_free(source->bytes);
    g_free(source);
}

/* ---- A heap of sources ---- */

static struct source *source_at(const struct replay *replay, guint place)
{
    return replay->heap->pdata[place];
}

static void sift_down(struct replay *replay)
{
    guint count = replay->heap->len;
    struct source *moved = source_at(replay, 0);
    guint parent = 0;

    for (;;) {
        guint child = 2 * parent + 1;

        if (child >= count)
            break;
        if (child + 1 < count &&
            source_at(replay, child + 1)->sequence < source_at(replay, child)->sequence)
            child++;
        if (moved->sequence <= source_at(replay, child)->sequence)
            break;
        replay->heap->pdata[parent] = replay->heap->pdata[child];
        parent = child;
    }
    replay->heap->pdata[parent] = moved;
}

static void push(struct replay *replay, struct source *source)
{
    guint child = replay->heap->len;

    g_ptr_array_add(replay->heap, source);
    while (child > 0) {
        guint parent = (child - 1) / 2;

        if (source_at(replay, parent)->sequence <= source->sequence)
            break;
        replay->heap->pdata[child] = replay->heap->pdata[parent];
        child = parent;
    }
    replay->heap->pdata[child] = source;
}

static void drop_first(struct replay *replay)
{
    source_free(source_at(replay, 0));
    g_ptr_array_remove_index_fast(replay->heap, 0);
    if (replay->heap->len > 0)
        sift_down(replay);
}

/* ---- Blocks and pages ---- */

/* FALSE: nothing of it is left. */
static gboolean advance_block(struct replay *replay, struct source *source)
{
    while (ct_block_next(&source->block, &source->record)) {
        source->sequence = source->record.sequence;
        if (ct_touches(replay->scope->window, source->record.begin_ns, source->record.end_ns))
            return TRUE;
    }
    replay->is_bad |= source->block.input.is_bad;
    return FALSE;
}

static gboolean is_asked(const struct replay *replay, const struct ct_entry *entry)
{
    return ct_touches(replay->scope->window, entry->summary.first_begin_ns,
                      entry->summary.last_end_ns);
}

/* FALSE: nothing of it is left. */
static gboolean advance_page(const struct replay *replay, struct source *source)
{
    while (source->at < source->count && !is_asked(replay, &source->entries[source->at]))
        source->at++;
    if (source->at == source->count)
        return FALSE;
    source->sequence = source->least[source->at];
    return TRUE;
}

static gboolean load_page(struct replay *replay, const struct ct_entry *entry,
                          struct source *source)
{
    uint64_t least = UINT64_MAX;

    source->entries = ct_page_load(&replay->reader, entry, &source->count);
    if (!source->entries)
        return FALSE;
    source->least = g_new(uint64_t, source->count);
    for (size_t i = source->count; i-- > 0;) {
        if (is_asked(replay, &source->entries[i]))
            least = MIN(least, source->entries[i].summary.first_sequence);
        source->least[i] = least;
    }
    return TRUE;
}

static void open_entry(struct replay *replay, const struct ct_entry *entry,
                       struct ct_thread *thread, enum ct_lane_kind kind)
{
    struct source *source = g_new0(struct source, 1);
    gboolean has_more = FALSE;

    source->thread = thread;
    source->kind = kind;
    /* Who is handed it may take long for each: where thousands stand in line for a lock, each of
     * them waits for all the others. */
    ct_store_step(replay->store);
    if (entry->level > 0) {
        replay->is_bad |= !load_page(replay, entry, source);
        has_more = !replay->is_bad && advance_page(replay, source);
    } else {
        source->bytes = ct_entry_load(&replay->reader, entry);
        replay->is_bad |= !source->bytes;
        if (source->bytes) {
            ct_block_open(&source->block, kind, source->bytes, entry->size);
            has_more = advance_block(replay, source);
        }
    }
    if (has_more)
        push(replay, source);
    else
        source_free(source);
}

/* ---- Handing on ---- */

static void hand_on(struct replay *replay, const struct source *source)
{
    const struct ct_sink *sink = replay->sink;
    const struct ct_store_record *record = &source->record;

    if (source->kind == CT_LANE_INTERVALS && sink->on_interval) {
        struct ct_interval interval;
        struct ct_fd fd;

        if (!ct_store_make_interval(replay->store, source->thread, record, &interval, &fd))
            replay->is_bad = TRUE;
        else if (ct_store_lets(replay->scope, &interval))
            sink->on_interval(sink->user, &interval);
    } else if (source->kind == CT_LANE_RUNS && sink->on_run) {
        const struct ct_run run = {source->thread, (uint32_t)record->attribute->numbers[CT_RUN_CPU],
                                   record->begin_ns, record->end_ns};

        replay->is_bad |= run.end_ns < run.begin_ns;
        sink->on_run(sink->user, &run);
    } else if (source->kind == CT_LANE_SAMPLES && sink->on_sample) {
        struct ct_sample sample;

        ct_store_make_sample(source->thread, record, &sample);
        sink->on_sample(sink->user, &sample);
    } else if (source->kind == CT_LANE_TURNS && sink->on_turn) {
        struct ct_turn turn;
        struct ct_fd fd;

        if (ct_store_make_turn(replay->store, source->thread, record, &turn, &fd))
            sink->on_turn(sink->user, &turn);
        else
            replay->is_bad = TRUE;
    }
}

static void step(struct replay *replay)
{
    struct source *first = source_at(replay, 0);

    if (first->entries) {
        const struct ct_entry entry = first->entries[first->at++];
        struct ct_thread *thread = first->thread;
        enum ct_lane_kind kind = first->kind;

        if (advance_page(replay, first))
            sift_down(replay);
        else
            drop_first(replay);
        open_entry(replay, &entry, thread, kind);
        return;
    }
    hand_on(replay, first);
    if (advance_block(replay, first))
        sift_down(replay);
    else
        drop_first(replay);
}

static gboolean has_sink(const struct ct_sink *sink, enum ct_lane_kind kind)
{
    return (kind == CT_LANE_INTERVALS && sink->on_interval) ||
           (kind == CT_LANE_RUNS && sink->on_run) || (kind == CT_LANE_SAMPLES && sink->on_sample) ||
           (kind == CT_LANE_TURNS && sink->on_turn);
}

gboolean ct_store_replay(struct ct_store *store, const struct ct_store_scope *scope,
                         const struct ct_sink *sink, GError **error)
{
    struct replay replay = {
        .store = store,
        .scope = scope,
        .sink = sink,
        .heap = g_ptr_array_new(),
        .reader = ct_store_reader(store),
    };

    for (guint i = 0; i < store->lanes->len && !replay.is_bad; i++) {
        const struct ct_store_lane *lane = &g_array_index(store->lanes, struct ct_store_lane, i);
        struct ct_thread *thread;

        if (!has_sink(sink, lane->kind) || lane->root.summary.count == 0)
            continue;
        thread = ct_store_thread(store, lane->subject);
        replay.is_bad |= !thread;
        if (thread && is_asked(&replay, &lane->root) &&
            (!scope->selection || ct_selection_has_thread(scope->selection, thread)))
            open_entry(&replay, &lane->root, thread, lane->kind);
    }
    while (replay.heap->len > 0 && !replay.is_bad)
        step(&replay);
    for (guint i = 0; i < replay.heap->len; i++)
        source_free(source_at(&replay, i));
    g_ptr_array_unref(replay.heap);
    return !replay.is_bad || ct_store_fail(error);
}
