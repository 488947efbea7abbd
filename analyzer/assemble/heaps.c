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

static void take_numbers(uint64_t *to, const struct ct_u64_sequence *from, uint32_t room)
{
    for (uint32_t i = 0; i < MIN(from->count, room); i++)
        to[i] = from->values[i];
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
    heap->peak_ns = event->peak_ns;
    heap->moment_count = MIN(event->moments_ns.count, CT_HEAP_MOMENTS);
    take_numbers(heap->moments_ns, &event->moments_ns, CT_HEAP_MOMENTS);
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
        .peak_live = event->peak_live,
    };

    if (!heap)
        return;
    if (heap->sites->len >= SITES_MAX) {
        trackers->model->capture.records_dropped++;
        return;
    }
    take_numbers(site.lives, &event->lives, CT_HEAP_AGES);
    take_numbers(site.ages, &event->ages, CT_HEAP_AGES);
    take_numbers(site.moments_live, &event->moments_live, CT_HEAP_MOMENTS);
    g_array_append_val(heap->sites, site);
}
