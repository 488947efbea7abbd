/* What lies in a lane and touches a window, by where it begins. */
#include "store/lanes.h"

/* A page that is being gone through. */
struct page {
    struct ct_entry *entries; /* owned */
    size_t count;
    size_t at;
};

struct ct_store_cursor {
    struct ct_store *store; /* borrowed */
    struct ct_tree_reader reader;
    const struct ct_store_lane *lane; /* borrowed; NULL: nothing is there */
    struct ct_window window;
    struct page pages[CT_TREE_LEVELS]; /* of each level */
    unsigned level;                    /* of the root, plus one */
    gboolean is_begun;
    uint8_t *bytes; /* owned; of the block at hand, as is the next */
    struct ct_block block;
    struct ct_store_record records[CT_BLOCK_RECORDS];
    size_t count;
    size_t at;
    struct ct_fd fd; /* of the event at hand */
};

static struct ct_store_cursor *cursor_new(struct ct_store *store, const struct ct_store_lane *lane,
                                          const struct ct_window *window)
{
    static const struct ct_window all = {0, UINT64_MAX};
    struct ct_store_cursor *cursor = g_new0(struct ct_store_cursor, 1);

    cursor->store = store;
    cursor->reader = ct_store_reader(store);
    cursor->lane = lane;
    cursor->window = window ? *window : all;
    return cursor;
}

static void close_block(struct ct_store_cursor *cursor)
{
    ct_block_close(&cursor->block);
    g_clear_pointer(&cursor->bytes, g_free);
}

void ct_store_cursor_free(struct ct_store_cursor *cursor)
{
    if (!cursor)
        return;
    close_block(cursor);
    for (unsigned level = 0; level < CT_TREE_LEVELS; level++)
        g_free(cursor->pages[level].entries);
    g_free(cursor);
}

static gboolean open_entry(struct ct_store_cursor *cursor, const struct ct_entry *entry)
{
    if (entry->level > 0) {
        struct page *page = &cursor->pages[entry->level];

        g_free(page->entries);
        page->entries = ct_page_load(&cursor->reader, entry, &page->count);
        page->at = 0;
        cursor->level = MAX(cursor->level, entry->level + 1);
        return page->entries != NULL;
    }
    close_block(cursor);
    cursor->at = cursor->count = 0;
    cursor->bytes = ct_entry_load(&cursor->reader, entry);
    if (!cursor->bytes)
        return FALSE;
    ct_block_open(&cursor->block, cursor->lane->kind, cursor->bytes, entry->size);
    cursor->count = ct_block_load(&cursor->block, cursor->records);
    return !cursor->block.input.is_bad;
}

/* The next entry that touches the window, of the lowest page that has one; NULL: no more. */
static const struct ct_entry *next_entry(struct ct_store_cursor *cursor)
{
    if (!cursor->is_begun) {
        cursor->is_begun = TRUE;
        return &cursor->lane->root;
    }
    for (unsigned level = 1; level < cursor->level; level++) {
        struct page *page = &cursor->pages[level];

        while (page->entries && page->at < page->count) {
            const struct ct_entry *entry = &page->entries[page->at++];

            if (ct_touches(&cursor->window, entry->summary.first_begin_ns,
                           entry->summary.last_end_ns))
                return entry;
        }
    }
    return NULL;
}

/* NULL: there is no more, or the file is damaged. */
static const struct ct_store_record *next_record(struct ct_store_cursor *cursor, gboolean *is_bad)
{
    while (cursor->lane) {
        const struct ct_entry *entry;

        while (cursor->at < cursor->count) {
            const struct ct_store_record *record = &cursor->records[cursor->at++];

            if (ct_touches(&cursor->window, record->begin_ns, record->end_ns))
                return record;
        }
        entry = next_entry(cursor);
        if (!entry)
            return NULL;
        /* A copy: a page may be loaded in place of its own. */
        const struct ct_entry opened = *entry;

        if (!open_entry(cursor, &opened)) {
            *is_bad = TRUE;
            return NULL;
        }
    }
    return NULL;
}

/* ---- Events ---- */

static gboolean set_thread_event(struct ct_store_cursor *cursor,
                                 const struct ct_store_record *record, struct ct_store_event *event)
{
    struct ct_thread *thread = ct_store_thread(cursor->store, cursor->lane->subject);

    event->id = (struct ct_store_id){thread, record->begin_ns, record->sequence};
    if (!thread)
        return FALSE;
    if (cursor->lane->kind == CT_LANE_INTERVALS)
        return ct_store_make_interval(cursor->store, thread, record, &event->interval, &cursor->fd);
    if (cursor->lane->kind == CT_LANE_SAMPLES)
        return ct_store_make_sample(thread, record, &event->sample);
    if (cursor->lane->kind == CT_LANE_TURNS)
        return ct_store_make_turn(cursor->store, thread, record, &event->turn, &cursor->fd);
    event->run = (struct ct_run){thread, (uint32_t)record->attribute->numbers[CT_RUN_CPU],
                                 record->begin_ns, record->end_ns};
    return TRUE;
}

/* Lanes of other things say which thread it was. */
static gboolean set_event(struct ct_store_cursor *cursor, const struct ct_store_record *record,
                          struct ct_store_event *event)
{
    struct ct_thread *thread;

    event->begin_ns = record->begin_ns;
    event->end_ns = record->end_ns;
    switch (cursor->lane->kind) {
    case CT_LANE_WAKES:
        event->id = (struct ct_store_id){
            ct_store_thread(cursor->store, record->attribute->numbers[CT_WAKE_THREAD]),
            record->begin_ns - ct_unzigzag(record->loose[CT_WAKE_INTERVAL]), record->sequence};
        return event->id.thread != NULL;
    case CT_LANE_CPU_RUNS:
        thread = ct_store_thread(cursor->store, record->attribute->numbers[CT_CPU_RUN_THREAD]);
        event->id = (struct ct_store_id){thread, record->begin_ns, record->sequence};
        event->run = (struct ct_run){thread, (uint32_t)cursor->lane->subject, record->begin_ns,
                                     record->end_ns};
        return thread != NULL;
    case CT_LANE_OBJECT_WAITS:
        event->id = (struct ct_store_id){
            ct_store_thread(cursor->store, record->attribute->numbers[CT_OBJECT_WAIT_THREAD]),
            record->begin_ns, record->sequence};
        return event->id.thread != NULL;
    default:
        return set_thread_event(cursor, record, event);
    }
}

gboolean ct_store_cursor_next(struct ct_store_cursor *cursor, struct ct_store_event *event,
                              GError **error)
{
    gboolean is_bad = FALSE;
    const struct ct_store_record *record = next_record(cursor, &is_bad);

    *event = (struct ct_store_event){0};
    if (record && set_event(cursor, record, event))
        return TRUE;
    return record || is_bad ? ct_store_fail(error) : FALSE;
}

/* ---- Which lane ---- */

struct ct_store_cursor *ct_store_intervals(struct ct_store *store, const struct ct_thread *thread,
                                           const struct ct_window *window)
{
    return cursor_new(store, ct_store_thread_lane(store, CT_LANE_INTERVALS, thread), window);
}

struct ct_store_cursor *ct_store_runs(struct ct_store *store, const struct ct_thread *thread,
                                      const struct ct_window *window)
{
    return cursor_new(store, ct_store_thread_lane(store, CT_LANE_RUNS, thread), window);
}

struct ct_store_cursor *ct_store_samples(struct ct_store *store, const struct ct_thread *thread,
                                         const struct ct_window *window)
{
    return cursor_new(store, ct_store_thread_lane(store, CT_LANE_SAMPLES, thread), window);
}

struct ct_store_cursor *ct_store_cpu_runs(struct ct_store *store, uint32_t cpu,
                                          const struct ct_window *window)
{
    return cursor_new(store, ct_store_lane(store, CT_LANE_CPU_RUNS, cpu), window);
}

struct ct_store_cursor *ct_store_wakes(struct ct_store *store, const struct ct_thread *thread,
                                       const struct ct_window *window)
{
    return cursor_new(store, ct_store_thread_lane(store, CT_LANE_WAKES, thread), window);
}

struct ct_store_cursor *ct_store_turns(struct ct_store *store, const struct ct_thread *thread,
                                       const struct ct_window *window)
{
    return cursor_new(store, ct_store_thread_lane(store, CT_LANE_TURNS, thread), window);
}

struct ct_store_cursor *ct_store_object_waits(struct ct_store *store, guint index,
                                              const struct ct_window *window)
{
    return cursor_new(store, ct_store_lane(store, CT_LANE_OBJECT_WAITS, index), window);
}

struct ct_store_cursor *ct_store_find(struct ct_store *store, const struct ct_store_id *id,
                                      struct ct_store_event *event, GError **error)
{
    const struct ct_window window = {id->begin_ns, id->begin_ns};
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, id->thread, &window);

    while (ct_store_cursor_next(cursor, event, error)) {
        if (event->begin_ns == id->begin_ns && event->id.sequence == id->sequence)
            return g_steal_pointer(&cursor);
    }
    return NULL;
}
