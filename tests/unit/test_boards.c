/* How boards are found, as they appear in a session's folder. */
#include "boards.h"

#include "schema/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs those before it. */
#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct fixture {
    char *folder;             /* owned */
    struct ct_boards *boards; /* owned; NULL: the test has not begun to look */
    GPtrArray *files;         /* owned; paths */
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->folder = g_dir_make_tmp("ctrace-boards-XXXXXX", NULL);
    fixture->files = g_ptr_array_new_with_free_func(g_free);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (guint i = 0; i < fixture->files->len; i++)
        g_unlink(fixture->files->pdata[i]);
    g_rmdir(fixture->folder);
    ct_boards_free(fixture->boards);
    g_ptr_array_unref(fixture->files);
    g_free(fixture->folder);
    g_free(fixture);
    return 0;
}

/* An empty file for it. */
static int make_file(struct fixture *fixture, int32_t pid)
{
    char *path = g_strdup_printf("%s/%d-1" CT_BOARD_SUFFIX, fixture->folder, (int)pid);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    g_ptr_array_add(fixture->files, path);
    return fd;
}

/* Closes it, too. */
static void fill(int fd, int32_t pid)
{
    assert_int_equal(ftruncate(fd, CT_BOARD_START_SIZE), 0);
    struct ct_board *board =
        mmap(NULL, CT_BOARD_START_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(board, MAP_FAILED);
    board->schema_version = CT_SCHEMA_VERSION;
    board->pid = pid;
    board->magic = CT_BOARD_MAGIC;
    munmap(board, CT_BOARD_START_SIZE);
    close(fd);
}

static void begin(struct fixture *fixture)
{
    fixture->boards = ct_boards_new(fixture->folder);
}

static guint count(const struct fixture *fixture)
{
    return ct_boards_update(fixture->boards)->len;
}

static void those_that_were_there_and_those_that_come_are_found_once(void **state)
{
    struct fixture *fixture = *state;

    fill(make_file(fixture, 1), 1);
    begin(fixture);
    fill(make_file(fixture, 2), 2);
    assert_int_equal(count(fixture), 2);
    assert_int_equal(count(fixture), 2);
    fill(make_file(fixture, 3), 3);
    assert_int_equal(count(fixture), 3);
    assert_int_equal(ct_boards_images(fixture->boards)->len, 3);
}

static void an_incomplete_one_is_found_when_it_is_complete(void **state)
{
    enum { PATIENCE = 200 };
    struct fixture *fixture = *state;

    begin(fixture);
    int fd = make_file(fixture, 1);
    int late_fd = make_file(fixture, 2);
    for (int i = 0; i < PATIENCE; i++)
        assert_int_equal(count(fixture), 0);
    fill(fd, 1);
    for (int i = 0; i < PATIENCE && count(fixture) == 0; i++)
        ;
    assert_int_equal(count(fixture), 1);
    fill(late_fd, 2);
    ct_boards_look_again(fixture->boards);
    assert_int_equal(count(fixture), 2);
}

static void one_that_was_taken_away_is_forgotten(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture);
    close(make_file(fixture, 1));
    assert_int_equal(count(fixture), 0);
    g_unlink(fixture->files->pdata[0]);
    ct_boards_look_again(fixture->boards);
    assert_int_equal(count(fixture), 0);
    fill(make_file(fixture, 1), 1);
    assert_int_equal(count(fixture), 1);
}

/* More than the kernel keeps for us, and then a board. */
static void one_is_found_also_where_the_kernel_has_told_too_little(void **state)
{
    static const char *const names[] = {"one", "another"}; /* equal ones in a row are one event */
    struct fixture *fixture = *state;
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents("/proc/sys/fs/inotify/max_queued_events", &text, NULL, NULL));
    int most = atoi(text);
    begin(fixture);
    assert_int_equal(count(fixture), 0);
    for (int i = 0; i < most + 2; i++) {
        g_autofree char *path = g_build_filename(fixture->folder, names[i % 2], NULL);
        close(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        g_unlink(path);
    }
    fill(make_file(fixture, 1), 1);
    assert_int_equal(count(fixture), 1);
    fill(make_file(fixture, 2), 2);
    assert_int_equal(count(fixture), 2);
}

/* ---- Heaps ---- */

struct heap {
    int32_t pid;
    enum ct_process_state state;
    gboolean is_seen;
    uint64_t rate;
    uint64_t size; /* of the blocks of its only place */
    uint64_t live;
};

static void fill_heap(struct fixture *fixture, const struct heap *heap)
{
    const size_t size = CT_BOARD_START_SIZE + ct_segment_size(CT_TABLE_SITES, 1);
    int fd = make_file(fixture, heap->pid);

    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    char *begin = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(begin, MAP_FAILED);
    struct ct_board *board = (void *)begin;
    struct ct_board_heap_site *site = (void *)(begin + CT_BOARD_START_SIZE);
    board->schema_version = CT_SCHEMA_VERSION;
    board->pid = heap->pid;
    board->state = heap->state;
    board->heap_allocator = heap->is_seen ? 0x1000 : 0;
    board->heap_rate = heap->rate;
    board->segments[0] = CT_TABLE_SITES + 1;
    site->size = heap->size;
    site->allocated = heap->live + 7;
    site->freed = 7;
    site->head = ct_heap_head(9, 0, CT_HEAP_SITE_READY);
    board->magic = CT_BOARD_MAGIC;
    munmap(begin, size);
    close(fd);
}

static struct ct_heap_sum sum_of(struct fixture *fixture, const struct heap *heaps, guint count)
{
    struct ct_heap_sum sum;

    for (guint i = 0; i < count; i++)
        fill_heap(fixture, &heaps[i]);
    begin(fixture);
    ct_boards_update(fixture->boards);
    ct_boards_look_at_heaps(fixture->boards, CT_HEAP_LOOK_NS);
    ct_boards_sum_heaps(fixture->boards, CT_HEAP_LOOK_NS, &sum);
    return sum;
}

static void heaps_of_those_that_live_are_summed_up(void **state)
{
    static const struct heap heaps[] = {
        {.pid = 1, .is_seen = TRUE, .size = 100, .live = 3},
        {.pid = 2, .is_seen = TRUE, .size = 1000, .live = 2},
        {.pid = 3, .is_seen = TRUE, .size = 5000, .live = 2, .state = CT_PROCESS_EXECED},
        {.pid = 4, .is_seen = TRUE, .size = 5000, .live = 2, .state = CT_PROCESS_EXITED},
        {.pid = 5, .is_seen = FALSE, .size = 5000, .live = 2},
        {.pid = 6, .is_seen = TRUE, .size = 5000, .live = 2, .rate = CT_HEAP_RATE_MAX + 1},
    };
    const struct ct_heap_sum sum = sum_of(*state, heaps, G_N_ELEMENTS(heaps));

    assert_int_equal(sum.bytes, 2300);
    assert_int_equal(sum.objects, 5);
    assert_int_equal(sum.processes, 2);
}

/* A block of the rate's size is taken with P = 1 - 1/e. */
static void samples_of_heaps_stand_for_more(void **state)
{
    static const struct heap heap = {
        .pid = 1, .is_seen = TRUE, .size = 4096, .live = 1000, .rate = 4096};
    const struct ct_heap_sum sum = sum_of(*state, &heap, 1);

    assert_int_equal(sum.objects, 1582);
    assert_in_range(sum.bytes, 1581 * 4096, 1583 * 4096);
}

static void none_that_is_seen_is_none(void **state)
{
    const struct ct_heap_sum sum = sum_of(*state, NULL, 0);

    assert_true(sum.bytes == 0 && sum.objects == 0 && sum.processes == 0);
}

static void what_a_heap_cannot_be_is_bounded(void **state)
{
    static const struct heap heaps[] = {
        {.pid = 1, .is_seen = TRUE, .size = UINT64_C(1) << 56, .live = UINT64_C(1) << 47},
        {.pid = 2, .is_seen = TRUE, .size = 0, .live = UINT64_C(1) << 47, .rate = CT_HEAP_RATE_MAX},
    };
    const struct ct_heap_sum sum = sum_of(*state, heaps, G_N_ELEMENTS(heaps));

    assert_int_equal(sum.bytes, UINT64_C(1) << 62);
    assert_int_equal(sum.objects, UINT64_C(1) << 62);
    assert_int_equal(sum.processes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(those_that_were_there_and_those_that_come_are_found_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_incomplete_one_is_found_when_it_is_complete, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_was_taken_away_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_is_found_also_where_the_kernel_has_told_too_little,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(heaps_of_those_that_live_are_summed_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(samples_of_heaps_stand_for_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(none_that_is_seen_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_heap_cannot_be_is_bounded, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
