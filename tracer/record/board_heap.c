#include "board_heap.h"

#include "board_places.h"

#define SUBJECT(board) .pid = (board)->image->pid, .process_start_ns = (board)->image->start_ns

/* More blocks than any process has ever allocated, and larger ones than it can. */
#define MAX_BLOCKS (UINT64_C(1) << 48)
#define MAX_SIZE   (UINT64_C(1) << 56)

/* What is live of a site. */
struct tally {
    uint64_t live;
    uint64_t ages[CT_HEAP_AGES];
};

static void count_block(const struct ct_closed_board *board,
                        const struct ct_board_heap_block *block, struct tally **tallies,
                        uint32_t sites)
{
    uint64_t begin_ns = ct_closed_board_time(board, block->ticks);

    if (block->site >= sites)
        return;
    struct tally **tally = &tallies[block->site];
    if (*tally == NULL)
        *tally = g_new0(struct tally, 1);
    (*tally)->live++;
    (*tally)->ages[ct_histogram_bucket(board->end_ns > begin_ns ? board->end_ns - begin_ns : 0)]++;
}

static void count_blocks(const struct ct_closed_board *board, struct tally **tallies,
                         uint32_t sites)
{
    uint32_t buckets = ct_board_map_entries(board->map, CT_TABLE_BLOCKS, UINT32_MAX);
    struct ct_board_heap_bucket bucket;

    for (uint32_t i = 0; i < buckets; i++) {
        ct_board_map_copy(board->map, ct_board_map_place(board->map, CT_TABLE_BLOCKS, i), &bucket,
                          sizeof(bucket));
        for (guint k = 0; k < CT_HEAP_BUCKET_BLOCKS; k++)
            if (bucket.addresses[k] > CT_HEAP_BLOCK_BEGUN)
                count_block(board, &bucket.blocks[k], tallies, sites);
    }
}

/* Without the zeros at its end. */
static struct ct_u64_sequence histogram_of(const uint64_t values[CT_HEAP_AGES])
{
    uint32_t count = CT_HEAP_AGES;

    while (count > 1 && values[count - 1] == 0)
        count--;
    return (struct ct_u64_sequence){values, count};
}

/* Of the board; CT_HEAP_OFF also where it makes no sense. */
static uint64_t read_rate(const struct ct_board_map *map)
{
    char numbers[CT_BOARD_NUMBERS_SIZE];

    ct_board_map_copy(map, 0, numbers, sizeof(numbers));
    uint64_t rate = CT_U64(numbers, heap_rate);
    return rate <= CT_HEAP_RATE_MAX ? rate : CT_HEAP_OFF;
}

static void write_site(const struct ct_closed_board *board, const struct ct_board_heap_site *site,
                       const struct tally *tally, uint64_t rate)
{
    static const uint64_t nothing[CT_HEAP_AGES];
    uint32_t shift = MIN(site->head >> 8 & 0xff, CT_HEAP_SHIFT_MAX);
    uint64_t lives[CT_HEAP_AGES];

    for (guint i = 0; i < CT_HEAP_AGES; i++)
        lives[i] = site->lives[i];
    struct ct_event_heap_site event = {
        SUBJECT(board),
        .stack = (uint32_t)(site->head >> 32),
        .size = site->size,
        .rate = rate << shift,
        .allocated = MIN(site->allocated, MAX_BLOCKS),
        .freed = MIN(site->freed, MAX_BLOCKS),
        .freed_elsewhere = MIN(site->freed_elsewhere, site->freed),
        .live = tally != NULL ? tally->live : 0,
        .life_ns = site->life_ns,
        .lives = histogram_of(lives),
        .ages = histogram_of(tally != NULL ? tally->ages : nothing),
    };

    board->writer->heap_site(&event);
}

static void write_sites(const struct ct_closed_board *board, uint64_t rate)
{
    uint32_t sites = ct_board_map_entries(board->map, CT_TABLE_SITES, UINT32_MAX);
    g_autofree struct tally **tallies = g_new0(struct tally *, sites + 1);
    struct ct_board_heap_site site;

    count_blocks(board, tallies, sites);
    for (uint32_t i = 0; i < sites; i++) {
        g_autofree struct tally *tally = tallies[i];

        ct_board_map_copy(board->map, ct_board_map_place(board->map, CT_TABLE_SITES, i), &site,
                          sizeof(uint64_t)); /* of who is not there, no more is read */
        if ((site.head & 0xff) != CT_HEAP_SITE_READY)
            continue;
        ct_board_map_copy(board->map, ct_board_map_place(board->map, CT_TABLE_SITES, i), &site,
                          sizeof(site));
        if (site.size <= MAX_SIZE)
            write_site(board, &site, tally, rate);
    }
}

void ct_board_heap_write(const struct ct_closed_board *board)
{
    struct ct_event_heap event = {SUBJECT(board)};
    char numbers[CT_BOARD_NUMBERS_SIZE];

    ct_board_map_copy(board->map, 0, numbers, sizeof(numbers));
    event.rate = read_rate(board->map);
    event.allocator = CT_U64(numbers, heap_allocator);
    event.early = MIN(CT_U64(numbers, heap_early), MAX_BLOCKS);
    event.dropped = MIN(CT_U64(numbers, heap_dropped), MAX_BLOCKS);
    event.overflowed = MIN(CT_U64(numbers, heap_overflowed), MAX_BLOCKS);
    if (event.allocator == 0 || board->is_damaged)
        return;
    board->writer->heap(&event);
    if (event.rate != CT_HEAP_OFF)
        write_sites(board, event.rate);
}
