/*
 * The heap on a board: what is told of it, of its past, and of one whose program means harm. To be
 * run under a sanitizer, too.
 */
#include "board_heap.h"
#include "board_sites.h"
#include "schema/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PID    77
#define ROUNDS 300

/* ---- What LTTng would get ---- */

static struct {
    unsigned heaps, sites;
    struct ct_event_heap heap;
    struct ct_event_heap_site site; /* the last one */
    uint64_t lives, ages, moments[CT_HEAP_MOMENTS], times_ns[CT_HEAP_MOMENTS];
} got;

static void on_heap(const struct ct_event_heap *event)
{
    got.heaps++;
    got.heap = *event;
    for (uint32_t i = 0; i < event->moments_ns.count; i++)
        got.times_ns[i] = event->moments_ns.values[i];
}

static void on_site(const struct ct_event_heap_site *event)
{
    got.sites++;
    got.site = *event;
    got.lives = got.ages = 0;
    assert_true(event->lives.count <= CT_HEAP_AGES && event->ages.count <= CT_HEAP_AGES);
    for (uint32_t i = 0; i < event->lives.count; i++)
        got.lives += event->lives.values[i];
    for (uint32_t i = 0; i < event->ages.count; i++)
        got.ages += event->ages.values[i];
    for (uint32_t i = 0; i < event->moments_live.count; i++)
        got.moments[i] = event->moments_live.values[i];
    assert_true(event->size <= CT_HEAP_MAX_SIZE);
    assert_true(event->rate <= CT_HEAP_RATE_MAX << CT_HEAP_SHIFT_MAX);
    assert_true(event->allocated <= CT_HEAP_MAX_BLOCKS && event->freed <= CT_HEAP_MAX_BLOCKS);
    assert_true(event->freed_elsewhere <= CT_HEAP_MAX_BLOCKS);
}

static const struct ct_writer writer = {.heap = on_heap, .heap_site = on_site};

/* ---- A board with the first level of both tables ---- */

struct fixture {
    int fd;
    size_t size;
    struct ct_board *board; /* as the program sees it */
    struct ct_board_heap_site *sites;
    struct ct_board_heap_bucket *buckets;
    struct ct_board_map *map;
    struct ct_closed_board closed;
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    enum ct_board_state board_state;

    memset(&got, 0, sizeof(got));
    fixture->fd = memfd_create("board", MFD_CLOEXEC);
    fixture->size = CT_BOARD_START_SIZE + ct_segment_size(CT_TABLE_SITES, 1) +
                    ct_segment_size(CT_TABLE_BLOCKS, 1);
    assert_int_equal(ftruncate(fixture->fd, (off_t)fixture->size), 0);
    char *begin = mmap(NULL, fixture->size, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->fd, 0);
    assert_ptr_not_equal(begin, MAP_FAILED);
    fixture->board = (void *)begin;
    fixture->sites = (void *)(begin + CT_BOARD_START_SIZE);
    fixture->buckets = (void *)(begin + CT_BOARD_START_SIZE + ct_segment_size(CT_TABLE_SITES, 1));
    fixture->board->schema_version = CT_SCHEMA_VERSION;
    fixture->board->pid = PID;
    fixture->board->segments[0] = CT_TABLE_SITES + 1;
    fixture->board->segments[1] = CT_TABLE_BLOCKS + 1;
    fixture->board->heap_allocator = 0x1000;
    fixture->board->magic = CT_BOARD_MAGIC;
    fixture->map = ct_board_map_new(fixture->fd, &board_state);
    assert_int_equal(board_state, CT_BOARD_COMPLETE);
    fixture->closed = (struct ct_closed_board){.map = fixture->map,
                                               .image = ct_board_map_identity(fixture->map),
                                               .writer = &writer,
                                               .ns_per_tick = UINT64_C(1) << 32,
                                               .now_ticks = 1000000,
                                               .now_ns = 1000000,
                                               .end_ns = 1000000};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_board_map_free(fixture->map);
    ct_heap_history_free(fixture->closed.heap_history);
    munmap(fixture->board, fixture->size);
    close(fixture->fd);
    g_free(fixture);
    return 0;
}

static void fill_site(struct ct_board_heap_site *site, uint64_t size, uint64_t allocated,
                      uint64_t freed)
{
    site->size = size;
    site->allocated = allocated;
    site->freed = freed;
    site->head = ct_heap_head(9, 0, CT_HEAP_SITE_READY);
}

/* ---- */

static void what_is_there_is_told(void **state)
{
    struct fixture *fixture = *state;

    fill_site(&fixture->sites[3], 100, 5, 2);
    fixture->sites[3].lives[4] = 2;
    for (uint32_t i = 0; i < 3; i++) {
        fixture->buckets[i].addresses[0] = 0x5000 + i;
        fixture->buckets[i].blocks[0] = (struct ct_board_heap_block){.ticks = 10, .site = 3};
    }
    fixture->buckets[7].addresses[1] = CT_HEAP_BLOCK_BEGUN;
    ct_board_heap_write(&fixture->closed);
    assert_int_equal(got.heaps, 1);
    assert_int_equal(got.sites, 1);
    assert_true(got.site.stack == 9 && got.site.size == 100 && got.site.allocated == 5);
    assert_true(got.site.live == 3 && got.ages == 3 && got.lives == 2);
    assert_int_equal(got.heap.peak_ns, 0);
}

static void numbers_that_cannot_be_are_left_out(void **state)
{
    struct fixture *fixture = *state;

    fill_site(&fixture->sites[0], UINT64_MAX, 1, 0);
    fill_site(&fixture->sites[1], 100, UINT64_MAX, UINT64_MAX);
    fixture->sites[1].head = ct_heap_head(9, 255, CT_HEAP_SITE_READY);
    fixture->sites[1].freed_elsewhere = UINT64_MAX;
    fixture->sites[1].inherited = fixture->sites[1].overflowed = UINT64_MAX;
    fixture->board->heap_rate = CT_HEAP_RATE_MAX;
    fixture->buckets[0].addresses[0] = 0x5000;
    fixture->buckets[0].blocks[0] =
        (struct ct_board_heap_block){.ticks = UINT64_MAX, .site = UINT32_MAX};
    fixture->buckets[0].addresses[1] = 0x5001;
    fixture->buckets[0].blocks[1] = (struct ct_board_heap_block){.ticks = UINT64_MAX, .site = 1};
    ct_board_heap_write(&fixture->closed);
    assert_int_equal(got.sites, 1);
    assert_int_equal(got.site.live, 1);
    fixture->board->heap_rate = CT_HEAP_RATE_MAX + 1;
    ct_board_heap_write(&fixture->closed);
    assert_true(got.heaps == 2 && got.sites == 1 && got.heap.rate == CT_HEAP_OFF);
    fixture->board->heap_allocator = 0;
    ct_board_heap_write(&fixture->closed);
    assert_int_equal(got.heaps, 2);
}

/* ---- The past ---- */

static void the_peak_and_moments_are_remembered(void **state)
{
    struct fixture *fixture = *state;
    struct ct_heap_history *history = fixture->closed.heap_history = ct_heap_history_new();

    for (uint64_t i = 0; i < 10; i++) {
        fill_site(&fixture->sites[3], 100, i, i > 5 ? i - 1 : 0);
        ct_heap_history_look(history, fixture->map, i * CT_HEAP_LOOK_NS * 100);
        ct_heap_history_look(history, fixture->map, i * CT_HEAP_LOOK_NS * 100 + 1); /* too early */
    }
    fixture->closed.end_ns = 10 * CT_HEAP_LOOK_NS * 100;
    ct_board_heap_write(&fixture->closed);
    assert_true(got.heap.peak_ns == 5 * CT_HEAP_LOOK_NS * 100);
    assert_int_equal(got.site.peak_live, 5);
    assert_int_equal(got.heap.moments_ns.count, 10);
    for (uint64_t i = 0; i < 10; i++) {
        assert_true(got.times_ns[i] == i * CT_HEAP_LOOK_NS * 100);
        assert_true(got.moments[i] == (i > 5 ? 1 : i));
    }
    fill_site(&fixture->sites[3], 100, 20, 0); /* the end is the most */
    ct_board_heap_write(&fixture->closed);
    assert_true(got.heap.peak_ns == fixture->closed.end_ns && got.site.peak_live == 20);
    fixture->closed.end_ns = 8 * CT_HEAP_LOOK_NS * 100 - 1; /* it ended before some of them */
    ct_board_heap_write(&fixture->closed);
    assert_int_equal(got.heap.moments_ns.count, 8);
    assert_true(got.heap.peak_ns == fixture->closed.end_ns && got.site.peak_live == 20);
}

static void moments_are_thinned_out(void **state)
{
    struct fixture *fixture = *state;
    struct ct_heap_history *history = fixture->closed.heap_history = ct_heap_history_new();

    fill_site(&fixture->sites[0], 100, 7, 0);
    for (uint64_t i = 0; i < 1000; i++)
        ct_heap_history_look(history, fixture->map, i * CT_HEAP_LOOK_NS * 2);
    fixture->closed.end_ns = 1000 * CT_HEAP_LOOK_NS * 2;
    ct_board_heap_write(&fixture->closed);
    uint32_t count = got.heap.moments_ns.count;
    assert_in_range(count, CT_HEAP_MOMENTS / 2, CT_HEAP_MOMENTS);
    for (uint32_t i = 1; i < count; i++)
        assert_true(got.times_ns[i] > got.times_ns[i - 1]);
    assert_true(got.times_ns[0] < 100 * CT_HEAP_LOOK_NS);
    assert_true(got.times_ns[count - 1] > 1800 * CT_HEAP_LOOK_NS);
}

/* ---- Against a program that writes meanwhile ---- */

struct race {
    struct fixture *fixture;
    _Atomic gboolean is_over;
};

static void *write_over(void *data)
{
    struct race *race = data;
    struct fixture *fixture = race->fixture;
    uint64_t bits = 88172645463325252;

    while (!race->is_over) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        gboolean is_right = bits & 1;
        struct ct_board_heap_site *site = &fixture->sites[bits >> 8 & 7];
        struct ct_board_heap_bucket *bucket = &fixture->buckets[bits >> 16 & 7];
        fixture->board->heap_rate = is_right ? 4096 : bits;
        site->head = is_right ? ct_heap_head(9, 3, CT_HEAP_SITE_READY) : bits;
        site->size = is_right ? 64 : bits;
        site->allocated = bits >> (bits & 63);
        site->freed = bits >> (bits >> 6 & 63);
        site->freed_elsewhere = bits;
        site->inherited = site->overflowed = bits >> 40;
        site->lives[bits >> 20 & 31] = (uint32_t)bits;
        bucket->addresses[bits % CT_HEAP_BUCKET_BLOCKS] = is_right ? bits : bits & 1;
        bucket->blocks[bits % CT_HEAP_BUCKET_BLOCKS] =
            (struct ct_board_heap_block){.ticks = bits, .site = (uint32_t)(bits >> (bits & 63))};
        fixture->board->segments[bits >> 24 & 1] =
            is_right ? CT_TABLE_SITES + 1 : (uint8_t)(bits >> 30);
    }
    return NULL;
}

static void a_program_that_writes_meanwhile_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct race race = {.fixture = fixture};
    struct ct_heap_history *history = fixture->closed.heap_history = ct_heap_history_new();
    GThread *thread = g_thread_new("race", write_over, &race);
    uint64_t rounds;

    /* And until one was met that is whole: on a busy machine that may take longer. */
    for (rounds = 0; rounds < ROUNDS || got.sites == 0; rounds++) {
        ct_heap_history_look(history, fixture->map, rounds * CT_HEAP_LOOK_NS * 100);
        ct_board_heap_write(&fixture->closed);
    }
    race.is_over = TRUE;
    g_thread_join(thread);
    assert_int_equal(got.heaps, rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_there_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_cannot_be_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_peak_and_moments_are_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moments_are_thinned_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_program_that_writes_meanwhile_does_no_harm, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
