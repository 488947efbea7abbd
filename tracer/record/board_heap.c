#include "board_heap.h"

#include "board_places.h"
#include "board_sites.h"

#define SUBJECT(board) .pid = (board)->image->pid, .process_start_ns = (board)->image->start_ns

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

static void write_site(const struct ct_closed_board *board, uint32_t index,
                       const struct ct_heap_site_copy *site, const struct tally *tally)
{
    static const uint64_t nothing[CT_HEAP_AGES];
    uint64_t lives[CT_HEAP_AGES], moments[CT_HEAP_MOMENTS];
    const struct ct_heap_history *history = board->heap_history;
    uint32_t moment_count = history != NULL ? ct_heap_history_live(history, index, moments) : 0;

    ct_board_heap_read_lives(board->map, index, lives);
    struct ct_event_heap_site event = {
        SUBJECT(board),
        .stack = site->stack,
        .size = site->size,
        .rate = site->rate,
        .allocated = site->allocated,
        .freed = site->freed,
        .freed_elsewhere = site->freed_elsewhere,
        .live = tally != NULL ? tally->live : 0,
        .life_ns = site->life_ns,
        .lives = histogram_of(lives),
        .ages = histogram_of(tally != NULL ? tally->ages : nothing),
        .peak_live = history != NULL ? ct_heap_history_peak_live(history, index) : 0,
        .moments_live = {moments, moment_count},
    };

    board->writer->heap_site(&event);
}

static void write_sites(const struct ct_closed_board *board, uint64_t rate)
{
    uint32_t sites = ct_board_heap_sites(board->map);
    g_autofree struct tally **tallies = g_new0(struct tally *, sites + 1);
    struct ct_heap_site_copy site;

    count_blocks(board, tallies, sites);
    for (uint32_t i = 0; i < sites; i++) {
        g_autofree struct tally *tally = tallies[i];

        if (ct_board_heap_read_site(board->map, i, rate, &site))
            write_site(board, i, &site, tally);
    }
}

void ct_board_heap_write(const struct ct_closed_board *board)
{
    struct ct_event_heap event = {SUBJECT(board)};
    char numbers[CT_BOARD_NUMBERS_SIZE];
    uint64_t times_ns[CT_HEAP_MOMENTS];

    ct_board_map_copy(board->map, 0, numbers, sizeof(numbers));
    event.rate = ct_board_heap_rate(board->map);
    event.allocator = CT_U64(numbers, heap_allocator);
    event.early = MIN(CT_U64(numbers, heap_early), CT_HEAP_MAX_BLOCKS);
    event.dropped = MIN(CT_U64(numbers, heap_dropped), CT_HEAP_MAX_BLOCKS);
    event.overflowed = MIN(CT_U64(numbers, heap_overflowed), CT_HEAP_MAX_BLOCKS);
    if (event.allocator == 0 || board->is_damaged)
        return;
    if (board->heap_history != NULL) {
        ct_heap_history_end(board->heap_history, board->map, board->end_ns);
        event.peak_ns = ct_heap_history_peak_ns(board->heap_history);
        event.moments_ns.count = ct_heap_history_times(board->heap_history, times_ns);
        event.moments_ns.values = times_ns;
    }
    board->writer->heap(&event);
    if (event.rate != CT_HEAP_OFF)
        write_sites(board, event.rate);
}
