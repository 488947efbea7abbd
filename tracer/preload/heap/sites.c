#include "sites.h"

#include "levels.h"

/* Entries looked at in one level. */
#define PROBES 8

struct ct_board_heap_site *ct_heap_site_at(uint32_t site)
{
    return ct_table_find(CT_TABLE_SITES, site);
}

/* Is it this one, or can it become so? One of the same that is just being made is none yet: then
 * there are two of it, and who reads them adds them up. */
static bool take(struct ct_board_heap_site *site, uint64_t ready, uint64_t size)
{
    uint64_t head = atomic_load_explicit(&site->head, memory_order_acquire);

    if (head == 0 && atomic_compare_exchange_strong(
                         &site->head, &head, ready - CT_HEAP_SITE_READY + CT_HEAP_SITE_BEGUN)) {
        site->size = size;
        atomic_store_explicit(&site->head, ready, memory_order_release);
        return true;
    }
    return head == ready && site->size == size;
}

uint32_t ct_heap_site_of(uint32_t stack, uint64_t size, uint32_t shift)
{
    uint64_t ready = ct_heap_head(stack, shift, CT_HEAP_SITE_READY);
    uint64_t hash = ct_heap_hash(ready ^ ct_heap_hash(size));

    for (uint32_t level = 0; ct_heap_open_level(CT_TABLE_SITES, level); level++) {
        uint32_t count;
        uint32_t begin = ct_heap_level(CT_TABLE_SITES, level, &count);
        for (uint32_t probe = 0; probe < PROBES; probe++) {
            uint32_t index = begin + (uint32_t)((hash + probe) & (count - 1));
            struct ct_board_heap_site *site = ct_heap_site_at(index);
            if (site != NULL && take(site, ready, size))
                return index;
        }
    }
    return CT_HEAP_NO_SITE;
}
