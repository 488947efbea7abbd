#include "assemble/heaps.h"

/* Of one process; a board has room for as many. */
#define SITES_MAX (1 << 20)

/* Made with what is told first, the whole or a site. */
static struct ct_heap *find_heap(const struct ct_trackers *trackers, int32_t pid, uint64_t start_ns)
{
    struct ct_image *image = ct_lives_told_image(trackers->lives, pid, start_ns);

    if (!image)
        return NULL;
    if (!image->process.heap)
        image->process.heap = ct_heap_new();
    return image->process.heap;
}

void ct_heaps_add(const struct ct_trackers *trackers, const struct ct_event_heap *event)
{
    struct ct_heap *heap = find_heap(trackers, event->pid, event->process_start_ns);

    if (!heap)
        return;
    heap->rate = event->rate;
    heap->allocator = event->allocator;
    heap->early = event->early;
    heap->dropped = event->dropped;
    heap->overflowed = event->overflowed;
}

static void take_histogram(uint64_t to[CT_HEAP_AGES], const struct ct_u64_sequence *from)
{
    for (uint32_t i = 0; i < MIN(from->count, CT_HEAP_AGES); i++)
        to[i] = from->values[i];
}

void ct_heaps_add_site(const struct ct_trackers *trackers, const struct ct_event_heap_site *event)
{
    struct ct_heap *heap = find_heap(trackers, event->pid, event->process_start_ns);
    struct ct_heap_site site = {
        .stack_id = event->stack,
        .size = event->size,
        .rate = event->rate,
        .allocated = event->allocated,
        .freed = event->freed,
        .freed_elsewhere = event->freed_elsewhere,
        .live = event->live,
        .life_ns = event->life_ns,
    };

    if (!heap)
        return;
    if (heap->sites->len >= SITES_MAX) {
        trackers->model->capture.records_dropped++;
        return;
    }
    take_histogram(site.lives, &event->lives);
    take_histogram(site.ages, &event->ages);
    g_array_append_val(heap->sites, site);
}
