#include "store/heap_section.h"

/* In the order in which they stand in the bytes. */
#define HEAP_NUMBERS(X) \
    X(rate) X(allocator) X(early) X(dropped) X(overflowed) X(peak_ns) X(moment_count)
#define SITE_NUMBERS(X) \
    X(stack_id)         \
    X(size) X(rate) X(allocated) X(freed) X(freed_elsewhere) X(live) X(life_ns) X(peak_live)

static void put_site(struct ct_bytes *bytes, const struct ct_heap *heap,
                     const struct ct_heap_site *site)
{
#define PUT(field) ct_bytes_put(bytes, (uint64_t)site->field);
    SITE_NUMBERS(PUT)
#undef PUT
    for (guint i = 0; i < CT_HEAP_AGES; i++) {
        ct_bytes_put(bytes, site->lives[i]);
        ct_bytes_put(bytes, site->ages[i]);
    }
    for (guint i = 0; i < heap->moment_count; i++)
        ct_bytes_put(bytes, site->moments_live[i]);
}

void ct_heap_put(struct ct_bytes *bytes, const struct ct_process *process)
{
    const struct ct_heap *heap = process->heap;

    ct_bytes_put(bytes, (uint64_t)(heap != NULL));
    if (!heap)
        return;
#define PUT(field) ct_bytes_put(bytes, heap->field);
    HEAP_NUMBERS(PUT)
#undef PUT
    for (guint i = 0; i < heap->moment_count; i++)
        ct_bytes_put(bytes, heap->moments_ns[i]);
    ct_bytes_put(bytes, heap->sites->len);
    for (guint i = 0; i < heap->sites->len; i++)
        put_site(bytes, heap, &g_array_index(heap->sites, struct ct_heap_site, i));
}

static struct ct_heap_site take_site(struct ct_bytes_input *input, const struct ct_heap *heap)
{
    struct ct_heap_site site = {0};

#define TAKE(field) site.field = (__typeof__(site.field))ct_bytes_take(input);
    SITE_NUMBERS(TAKE)
#undef TAKE
    for (guint i = 0; i < CT_HEAP_AGES; i++) {
        site.lives[i] = ct_bytes_take(input);
        site.ages[i] = ct_bytes_take(input);
    }
    for (guint i = 0; i < heap->moment_count; i++)
        site.moments_live[i] = ct_bytes_take(input);
    return site;
}

void ct_heap_take(struct ct_bytes_input *input, struct ct_process *process)
{
    if (ct_bytes_take(input) == 0)
        return;
    struct ct_heap *heap = process->heap = ct_heap_new();

#define TAKE(field) heap->field = (__typeof__(heap->field))ct_bytes_take(input);
    HEAP_NUMBERS(TAKE)
#undef TAKE
    input->is_bad |= heap->moment_count > CT_HEAP_MOMENTS;
    heap->moment_count = MIN(heap->moment_count, CT_HEAP_MOMENTS);
    for (guint i = 0; i < heap->moment_count; i++)
        heap->moments_ns[i] = ct_bytes_take(input);
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        const struct ct_heap_site site = take_site(input, heap);

        g_array_append_val(heap->sites, site);
    }
}
