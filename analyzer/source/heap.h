/*
 * Streams of events as a heap: first the one whose next event is first. Streams stay where they
 * are, the heap has what it compares of them.
 */
#ifndef CTRACE_SOURCE_HEAP_H
#define CTRACE_SOURCE_HEAP_H

#include <glib.h>
#include <stdint.h>

struct ct_heap_entry {
    uint64_t time_ns;
    uint64_t rank; /* decides between equal times */
    void *stream;  /* borrowed */
};

static inline gboolean ct_heap_is_before(const struct ct_heap_entry *a,
                                         const struct ct_heap_entry *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->rank < b->rank;
}

/* The entry at `at` has become a later one. */
static inline void ct_heap_sift_down(struct ct_heap_entry *entries, guint count, guint at)
{
    struct ct_heap_entry moved = entries[at];

    for (;;) {
        guint child = 2 * at + 1;

        if (child >= count)
            break;
        if (child + 1 < count && ct_heap_is_before(&entries[child + 1], &entries[child]))
            child++;
        if (!ct_heap_is_before(&entries[child], &moved))
            break;
        entries[at] = entries[child];
        at = child;
    }
    entries[at] = moved;
}

static inline void ct_heap_build(struct ct_heap_entry *entries, guint count)
{
    for (guint i = count / 2; i-- > 0;)
        ct_heap_sift_down(entries, count, i);
}

/* Has the first entry out; there is one. */
static inline void ct_heap_remove_first(struct ct_heap_entry *entries, guint *count)
{
    entries[0] = entries[--*count];
    if (*count > 0)
        ct_heap_sift_down(entries, *count, 0);
}

#endif
