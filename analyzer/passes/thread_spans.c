#include "passes/thread_spans.h"

/* Intervals kept of one thread and of all, and threads of which some are kept. */
#define KEPT_MAX     512
#define ALL_KEPT_MAX (1U << 17)
#define THREADS_MAX  1024

/* So many are read on; to what is farther away, the store knows a shorter way. */
#define READ_ON_MAX 512

struct kept {
    struct ct_interval interval;
    struct ct_store_id id;
};

/* All of a thread's intervals that end after `from_ns`, up to where the cursor is. */
struct window {
    struct ct_store_cursor *cursor; /* owned; NULL: it has come to the end */
    GArray *kept;                   /* owned; struct kept, in order */
    uint64_t from_ns;
    GList link; /* in the order in which they were asked for; of the thread */
};

struct ct_thread_spans {
    struct ct_store *store; /* borrowed */
    GHashTable *windows;    /* owned; struct ct_thread * -> struct window *, owned */
    GQueue asked;           /* their links: what was asked for last, first */
    uint64_t kept;          /* intervals, of all */
};

static void window_free(void *data)
{
    struct window *window = data;

    ct_store_cursor_free(window->cursor);
    g_array_unref(window->kept);
    g_free(window);
}

struct ct_thread_spans *ct_thread_spans_new(struct ct_store *store)
{
    struct ct_thread_spans *spans = g_new0(struct ct_thread_spans, 1);

    spans->store = store;
    spans->windows = g_hash_table_new_full(NULL, NULL, NULL, window_free);
    return spans;
}

void ct_thread_spans_free(struct ct_thread_spans *spans)
{
    if (!spans)
        return;
    g_hash_table_unref(spans->windows);
    g_free(spans);
}

/* ---- Windows ---- */

static void forget_oldest(struct ct_thread_spans *spans)
{
    void *thread = spans->asked.tail->data;
    struct window *window = g_hash_table_lookup(spans->windows, thread);

    spans->kept -= window->kept->len;
    g_queue_unlink(&spans->asked, &window->link);
    g_hash_table_remove(spans->windows, thread);
}

/* With nothing kept. */
static void move_window(struct ct_thread_spans *spans, struct window *window, uint64_t from_ns)
{
    const struct ct_window asked = {from_ns, UINT64_MAX};

    ct_store_cursor_free(window->cursor);
    window->cursor = ct_store_intervals(spans->store, window->link.data, &asked);
    spans->kept -= window->kept->len;
    g_array_set_size(window->kept, 0);
    window->from_ns = from_ns;
}

static struct window *open_window(struct ct_thread_spans *spans, struct ct_thread *thread,
                                  uint64_t from_ns)
{
    struct window *window = g_new0(struct window, 1);

    window->link.data = thread;
    window->kept = g_array_new(FALSE, FALSE, sizeof(struct kept));
    move_window(spans, window, from_ns);
    g_hash_table_insert(spans->windows, thread, window);
    g_queue_push_head_link(&spans->asked, &window->link);
    return window;
}

static struct window *find_window(struct ct_thread_spans *spans, struct ct_thread *thread,
                                  uint64_t at_ns)
{
    struct window *window = g_hash_table_lookup(spans->windows, thread);

    if (!window) {
        while (spans->asked.length >= THREADS_MAX ||
               (spans->kept > ALL_KEPT_MAX && spans->asked.length > 0))
            forget_oldest(spans);
        return open_window(spans, thread, at_ns);
    }
    g_queue_unlink(&spans->asked, &window->link);
    g_queue_push_head_link(&spans->asked, &window->link);
    if (window->from_ns > at_ns)
        move_window(spans, window, at_ns);
    return window;
}

static struct kept *kept_at(const struct window *window, guint index)
{
    return &g_array_index(window->kept, struct kept, index);
}

static void drop_half(struct ct_thread_spans *spans, struct window *window)
{
    guint half = window->kept->len / 2;

    spans->kept -= half;
    window->from_ns = kept_at(window, half - 1)->interval.end_ns;
    g_array_remove_range(window->kept, 0, half);
}

static gboolean is_before(const struct window *window, uint64_t at_ns)
{
    return window->kept->len == 0 ||
           kept_at(window, window->kept->len - 1)->interval.end_ns <= at_ns;
}

/* Keeps the next one; there is none any more when the cursor is gone. */
static void read_next(struct ct_thread_spans *spans, struct window *window, GError **error)
{
    struct ct_store_event event;

    if (!ct_store_cursor_next(window->cursor, &event, error)) {
        g_clear_pointer(&window->cursor, ct_store_cursor_free);
        return;
    }
    struct kept kept = {event.interval, event.id};

    /* They are gone when the cursor moves on. */
    kept.interval.fd = NULL;
    kept.interval.releases = NULL;
    kept.interval.release_count = 0;
    if (window->kept->len >= KEPT_MAX)
        drop_half(spans, window);
    g_array_append_val(window->kept, kept);
    spans->kept++;
}

/* Reads on until there is one that ends after that time, or there are no more. */
static gboolean read_beyond(struct ct_thread_spans *spans, struct window *window, uint64_t at_ns,
                            GError **error)
{
    GError *failure = NULL;

    for (guint count = 0; window->cursor && is_before(window, at_ns); count++) {
        if (count == READ_ON_MAX)
            move_window(spans, window, at_ns);
        read_next(spans, window, &failure);
    }
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

/* The first that ends after that time; NULL: there is none. */
static const struct kept *find_kept(const struct window *window, uint64_t at_ns)
{
    guint low = 0, high = window->kept->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (kept_at(window, middle)->interval.end_ns <= at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low < window->kept->len ? kept_at(window, low) : NULL;
}

gboolean ct_thread_span_at(struct ct_thread_spans *spans, struct ct_thread *thread, uint64_t at_ns,
                           uint64_t end_ns, struct ct_thread_span *span, GError **error)
{
    *span = (struct ct_thread_span){.begin_ns = at_ns, .end_ns = end_ns};
    if (at_ns < thread->start_ns || at_ns >= thread->end_ns) {
        if (at_ns < thread->start_ns)
            span->end_ns = MIN(end_ns, thread->start_ns);
        return TRUE;
    }
    struct window *window = find_window(spans, thread, at_ns);

    if (!read_beyond(spans, window, at_ns, error))
        return FALSE;
    const struct kept *kept = find_kept(window, at_ns);

    span->is_known = TRUE;
    span->end_ns = MIN(end_ns, thread->end_ns);
    if (kept && kept->interval.begin_ns > at_ns) {
        span->end_ns = MIN(span->end_ns, kept->interval.begin_ns);
    } else if (kept) {
        span->end_ns = MIN(span->end_ns, kept->interval.end_ns);
        span->interval = kept->interval;
        span->id = kept->id;
        span->is_known = kept->interval.class != CT_CLASS_UNKNOWN;
    }
    return TRUE;
}
