#include "board_sites.h"

#include "board_places.h"

/* All but the histogram: a line of the cache. */
#define COUNTS_SIZE offsetof(struct ct_board_heap_site, lives)

_Static_assert(COUNTS_SIZE == 64, "counts of a site");

uint64_t ct_board_heap_rate(const struct ct_board_map *map)
{
    char numbers[CT_BOARD_NUMBERS_SIZE];

    ct_board_map_copy(map, 0, numbers, sizeof(numbers));
    uint64_t rate = CT_U64(numbers, heap_rate);
    return CT_U64(numbers, heap_allocator) != 0 && rate <= CT_HEAP_RATE_MAX ? rate : CT_HEAP_OFF;
}

uint32_t ct_board_heap_sites(const struct ct_board_map *map)
{
    return ct_board_map_entries(map, CT_TABLE_SITES, UINT32_MAX);
}

/* They are counted one by one, by several threads: for a moment more may be gone than were there.
 */
static uint64_t live_of(const struct ct_board_heap_site *site)
{
    uint64_t came =
        MIN(site->inherited, CT_HEAP_MAX_BLOCKS) + MIN(site->allocated, CT_HEAP_MAX_BLOCKS);
    uint64_t went =
        MIN(site->freed, CT_HEAP_MAX_BLOCKS) + MIN(site->overflowed, CT_HEAP_MAX_BLOCKS);

    return came > went ? came - went : 0;
}

gboolean ct_board_heap_read_site(const struct ct_board_map *map, uint32_t index, uint64_t rate,
                                 struct ct_heap_site_copy *copy)
{
    size_t place = ct_board_map_place(map, CT_TABLE_SITES, index);
    struct ct_board_heap_site site;

    ct_board_map_copy(map, place, &site, sizeof(site.head)); /* most are empty */
    if ((site.head & 0xff) != CT_HEAP_SITE_READY)
        return FALSE;
    ct_board_map_copy(map, place, &site, COUNTS_SIZE);
    if (site.size > CT_HEAP_MAX_SIZE)
        return FALSE;
    *copy = (struct ct_heap_site_copy){
        .stack = (uint32_t)(site.head >> 32),
        .size = site.size,
        .rate = rate << MIN(site.head >> 8 & 0xff, CT_HEAP_SHIFT_MAX),
        .allocated = MIN(site.allocated, CT_HEAP_MAX_BLOCKS),
        .freed = MIN(site.freed, CT_HEAP_MAX_BLOCKS),
        .freed_elsewhere = MIN(site.freed_elsewhere, MIN(site.freed, CT_HEAP_MAX_BLOCKS)),
        .life_ns = site.life_ns,
        .live = live_of(&site),
    };
    return TRUE;
}

void ct_board_heap_read_lives(const struct ct_board_map *map, uint32_t index,
                              uint64_t lives[CT_HEAP_AGES])
{
    uint32_t copied[CT_HEAP_AGES];

    ct_board_map_copy(map, ct_board_map_place(map, CT_TABLE_SITES, index) + COUNTS_SIZE, copied,
                      sizeof(copied));
    for (guint i = 0; i < CT_HEAP_AGES; i++)
        lives[i] = copied[i];
}
