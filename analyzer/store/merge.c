/* The lanes of several threads as one: a heap of those that are open, by what comes next. */
#include "store/lanes.h"

/* A thread's lane. */
struct part {
    struct ct_thread *thread;       /* borrowed */
    struct ct_store_cursor *cursor; /* owned; NULL: it is not open yet */
    uint64_t begin_ns;              /* of what comes next; or it is no earlier than this */
    struct ct_store_event event;    /* that comes next */
};

struct ct_store_merge {
    struct ct_store *store; /* borrowed */
    enum ct_store_kind kind;
    struct ct_window window;
    gboolean is_by_begin;
    GPtrArray *heap;   /* owned; struct part *, owned: the first on top */
    struct part *told; /* borrowed from the heap; whose event was told; NULL: none */
};

typedef struct ct_store_cursor *open_lane(struct ct_store *store, const struct ct_thread *thread,
                                          const struct ct_window *window);

static const struct {
    enum ct_lane_kind lane;
    open_lane *open;
} kinds[CT_STORE_KIND_COUNT] = {
    [CT_STORE_INTERVALS] = {CT_LANE_INTERVALS, ct_store_intervals},
    [CT_STORE_RUNS] = {CT_LANE_RUNS, ct_store_runs},
    [CT_STORE_SAMPLES] = {CT_LANE_SAMPLES, ct_store_samples},
    [CT_STORE_WAKES] = {CT_LANE_WAKES, ct_store_wakes},
    [CT_STORE_TURNS] = {CT_LANE_TURNS, ct_store_turns},
};

static void part_free(void *data)
{
    struct part *part = data;

    ct_store_cursor_free(part->cursor);
    g_free(part);
}

static gboolean precedes(const struct ct_store_merge *merge, const struct part *a,
                         const struct part *b)
{
    if (merge->is_by_begin && a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns;
    return a->thread->number < b->thread->number;
}

static void sift_down(struct ct_store_merge *merge, guint at)
{
    void **parts = merge->heap->pdata;
    guint count = merge->heap->len;

    for (;;) {
        guint least = at;

        for (guint child = 2 * at + 1; child < count && child <= 2 * at + 2; child++)
            if (precedes(merge, parts[child], parts[least]))
                least = child;
        if (least == at)
            return;
        struct part *moved = parts[at];

        parts[at] = parts[least];
        parts[least] = moved;
        at = least;
    }
}

static void add_part(struct ct_store_merge *merge, struct ct_thread *thread)
{
    const struct ct_store_lane *lane =
        ct_store_thread_lane(merge->store, kinds[merge->kind].lane, thread);

    if (!lane || !ct_touches(&merge->window, lane->root.summary.first_begin_ns,
                             lane->root.summary.last_end_ns))
        return;
    struct part *part = g_new0(struct part, 1);

    part->thread = thread;
    part->begin_ns = lane->root.summary.first_begin_ns;
    g_ptr_array_add(merge->heap, part);
}

struct ct_store_merge *ct_store_merge_new(struct ct_store *store, enum ct_store_kind kind,
                                          guint first, guint last, const struct ct_window *window,
                                          gboolean is_by_begin)
{
    struct ct_store_merge *merge = g_new0(struct ct_store_merge, 1);
    const GPtrArray *threads = store->model->all_threads;

    merge->store = store;
    merge->kind = kind;
    merge->window = *window;
    merge->is_by_begin = is_by_begin;
    merge->heap = g_ptr_array_new_with_free_func(part_free);
    for (guint i = first; i <= last && i < threads->len; i++)
        add_part(merge, threads->pdata[i]);
    for (guint i = merge->heap->len / 2; i-- > 0;)
        sift_down(merge, i);
    return merge;
}

void ct_store_merge_free(struct ct_store_merge *merge)
{
    if (!merge)
        return;
    g_ptr_array_unref(merge->heap);
    g_free(merge);
}

/* What comes next of the part on top. FALSE: an error. */
static gboolean advance(struct ct_store_merge *merge, GError **error)
{
    struct part *part = merge->heap->pdata[0];
    GError *failure = NULL;

    if (!part->cursor)
        part->cursor = kinds[merge->kind].open(merge->store, part->thread, &merge->window);
    if (ct_store_cursor_next(part->cursor, &part->event, &failure)) {
        /* The store has those of the last interval alone, which may be another lane's by then. */
        part->event.interval.releases = NULL;
        part->event.interval.release_count = 0;
        part->begin_ns = part->event.begin_ns;
    } else if (failure) {
        g_propagate_error(error, failure);
        return FALSE;
    } else {
        g_ptr_array_remove_index_fast(merge->heap, 0);
    }
    sift_down(merge, 0);
    return TRUE;
}

gboolean ct_store_merge_next(struct ct_store_merge *merge, struct ct_store_event *event,
                             struct ct_thread **thread, GError **error)
{
    if (merge->told && !advance(merge, error))
        return FALSE;
    merge->told = NULL;
    while (merge->heap->len > 0) {
        struct part *part = merge->heap->pdata[0];

        if (part->cursor) {
            merge->told = part;
            *event = part->event;
            *thread = part->thread;
            return TRUE;
        }
        if (!advance(merge, error))
            return FALSE;
    }
    return FALSE;
}
