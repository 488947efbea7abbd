#include "serve/living_heap.h"

#include "record/control.h"

struct ct_living_heap {
    char *recording; /* owned */
    char *session;   /* owned; of its recorder; NULL: not found yet */
};

struct ct_living_heap *ct_living_heap_new(const char *recording)
{
    struct ct_living_heap *heap = g_new0(struct ct_living_heap, 1);

    heap->recording = g_strdup(recording);
    return heap;
}

void ct_living_heap_free(struct ct_living_heap *heap)
{
    if (!heap)
        return;
    g_free(heap->recording);
    g_free(heap->session);
    g_free(heap);
}

gboolean ct_living_heap_read(struct ct_living_heap *heap, struct ct_heap_sum *sum)
{
    struct ct_control control;
    gboolean is_left;

    if (!heap->session)
        heap->session = ct_session_directory_find_living(heap->recording, &is_left);
    if (!heap->session || !ct_session_directory_read(heap->session, &control))
        return FALSE;
    *sum = control.heap;
    return sum->processes > 0;
}
