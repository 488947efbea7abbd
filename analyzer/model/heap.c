#include "model/heap.h"

#include "schema/heap_weight.h"

struct ct_heap *ct_heap_new(void)
{
    struct ct_heap *heap = g_new0(struct ct_heap, 1);

    heap->sites = g_array_new(FALSE, FALSE, sizeof(struct ct_heap_site));
    return heap;
}

void ct_heap_free(struct ct_heap *heap)
{
    if (!heap)
        return;
    g_array_unref(heap->sites);
    g_free(heap);
}

double ct_heap_site_weight(const struct ct_heap_site *site)
{
    return ct_heap_weight(site->size, site->rate);
}

void ct_heap_amount_add(struct ct_heap_amount *amount, const struct ct_heap_site *site,
                        uint64_t samples)
{
    double count = (double)samples, size = (double)site->size;
    double weight = ct_heap_site_weight(site);

    amount->blocks += count * weight;
    amount->bytes += count * weight * size;
    /* Each sample was taken by itself with P = 1 / weight: an unbiased estimate of its variance. */
    amount->variance += count * size * size * weight * (weight - 1);
}

double ct_heap_amount_error(const struct ct_heap_amount *amount)
{
    return sqrt(MAX(amount->variance, 0));
}
