#include "passes/lock_queue.h"

/* A heap of the times at which those in line leave it, the first on top. */
static uint64_t *time_at(const GArray *heap, guint place)
{
    return &g_array_index(heap, uint64_t, place);
}

static void swap(const GArray *heap, guint a, guint b)
{
    uint64_t time_ns = *time_at(heap, a);

    *time_at(heap, a) = *time_at(heap, b);
    *time_at(heap, b) = time_ns;
}

static void push(GArray *heap, uint64_t time_ns)
{
    guint place = heap->len;

    g_array_append_val(heap, time_ns);
    for (; place > 0 && *time_at(heap, place) < *time_at(heap, (place - 1) / 2);
         place = (place - 1) / 2)
        swap(heap, place, (place - 1) / 2);
}

static void pop(GArray *heap)
{
    guint place = 0;

    *time_at(heap, 0) = *time_at(heap, heap->len - 1);
    g_array_set_size(heap, heap->len - 1);
    for (;;) {
        guint first = place;

        for (guint child = 2 * place + 1; child <= 2 * place + 2 && child < heap->len; child++) {
            if (*time_at(heap, child) < *time_at(heap, first))
                first = child;
        }
        if (first == place)
            return;
        swap(heap, first, place);
        place = first;
    }
}

gboolean ct_lock_queue_longest(struct ct_store *store, guint object,
                               const struct ct_store_scope *scope, guint *longest, GError **error)
{
    g_autoptr(ct_store_cursor) cursor = ct_store_object_waits(store, object, scope->window);
    g_autoptr(GArray) line = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    struct ct_store_event event;
    GError *failure = NULL;

    *longest = 0;
    while (ct_store_cursor_next(cursor, &event, &failure)) {
        if (event.begin_ns == event.end_ns ||
            (scope->selection && !ct_selection_has_thread(scope->selection, event.id.thread)))
            continue;
        while (line->len > 0 && *time_at(line, 0) <= event.begin_ns)
            pop(line);
        push(line, event.end_ns);
        *longest = MAX(*longest, line->len);
    }
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}
