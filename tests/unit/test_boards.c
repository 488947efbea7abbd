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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
