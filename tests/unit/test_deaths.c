/* When processes ended, of those whose boards appear in a directory. */
#include "deaths.h"

#include "schema/board.h"
#include "system/monotonic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs those before it. */
#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char *directory; /* owned */
    struct ct_deaths *deaths;
    GPtrArray *boards; /* owned; paths */
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->directory = g_dir_make_tmp("ctrace-deaths-XXXXXX", NULL);
    fixture->deaths = ct_deaths_new();
    fixture->boards = g_ptr_array_new_with_free_func(g_free);
    ct_deaths_watch(fixture->deaths, fixture->directory);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (guint i = 0; i < fixture->boards->len; i++)
        g_unlink(fixture->boards->pdata[i]);
    g_rmdir(fixture->directory);
    g_ptr_array_unref(fixture->boards);
    ct_deaths_free(fixture->deaths);
    g_free(fixture->directory);
    g_free(fixture);
    return 0;
}

/* Of its `image`th image. */
static void make_board(struct fixture *fixture, pid_t pid, int image)
{
    char *path = g_strdup_printf("%s/%d-%d" CT_BOARD_SUFFIX, fixture->directory, (int)pid, image);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    g_ptr_array_add(fixture->boards, path);
}

/* A process that lives until it is killed, and has a board. */
static pid_t begin_process(struct fixture *fixture)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    make_board(fixture, pid, 1);
    return pid;
}

static void kill_process(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static gboolean has_news(const struct fixture *fixture)
{
    struct pollfd news = {.fd = ct_deaths_fd(fixture->deaths), .events = POLLIN};

    return poll(&news, 1, 0) == 1;
}

/* As the recorder does: until then nobody looks, unless there is news. On a busy machine that time
 * may have come before. */
static void pass_until_due(const struct fixture *fixture)
{
    gint64 due_us = ct_deaths_due_us(fixture->deaths);

    g_usleep((gulong)MAX(due_us - g_get_monotonic_time(), 0));
}

static void one_that_begins_is_looked_at_at_once(void **state)
{
    struct fixture *fixture = *state;

    assert_false(has_news(fixture));
    assert_int_equal(ct_deaths_due_us(fixture->deaths), 0);
    pid_t pid = begin_process(fixture);
    assert_true(has_news(fixture));
    ct_deaths_update(fixture->deaths);
    uint64_t before_ns = ct_monotonic_ns();
    kill_process(pid);
    assert_true(has_news(fixture)); /* whatever is due */
    ct_deaths_update(fixture->deaths);
    assert_in_range(ct_deaths_find(fixture->deaths, pid), before_ns, ct_monotonic_ns());
    assert_int_equal(ct_deaths_count(fixture->deaths), 1);
}

static void those_that_follow_it_wake_nobody(void **state)
{
    struct fixture *fixture = *state;
    pid_t first = begin_process(fixture);

    ct_deaths_update(fixture->deaths);
    pid_t dead = begin_process(fixture);
    pid_t alive = begin_process(fixture);
    uint64_t before_ns = ct_monotonic_ns();
    kill_process(dead);
    assert_false(has_news(fixture));
    assert_int_equal(ct_deaths_find(fixture->deaths, dead), 0);

    pass_until_due(fixture);
    ct_deaths_update(fixture->deaths);
    assert_in_range(ct_deaths_find(fixture->deaths, dead), before_ns, ct_monotonic_ns());
    assert_int_equal(ct_deaths_count(fixture->deaths), 1);

    pass_until_due(fixture); /* as there were some again */
    ct_deaths_update(fixture->deaths);
    kill_process(alive);
    assert_true(has_news(fixture));
    kill_process(first);
    ct_deaths_update(fixture->deaths);
    assert_int_equal(ct_deaths_count(fixture->deaths), 3);
}

/* Waits for news, as the recorder does, and counts how often it was woken until it was told to end.
 */
struct waiter {
    const struct fixture *fixture;
    int stop_fd;
    _Atomic gboolean is_there;
    long woken;
};

static long times_slept(void)
{
    struct rusage usage;

    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static void *wait_for_news(void *data)
{
    struct waiter *waiter = data;
    struct pollfd fds[] = {{.fd = ct_deaths_fd(waiter->fixture->deaths), .events = POLLIN},
                           {.fd = waiter->stop_fd, .events = POLLIN}};
    long before = times_slept();

    waiter->is_there = TRUE;
    while (poll(fds, G_N_ELEMENTS(fds), -1) >= 0 && (fds[1].revents & POLLIN) == 0)
        ;
    waiter->woken = times_slept() - before;
    return NULL;
}

/* Not in the kernel either, where nobody would see it, but who makes the board pays for it. */
static void those_that_follow_it_rouse_no_thread(void **state)
{
    enum { BOARDS = 40, FEW = BOARDS / 4, PAUSE_US = 1000 };
    struct fixture *fixture = *state;
    struct waiter waiter = {.fixture = fixture, .stop_fd = eventfd(0, EFD_CLOEXEC)};
    const uint64_t one = 1;

    make_board(fixture, getpid(), 0);
    ct_deaths_update(fixture->deaths);
    GThread *thread = g_thread_new("waiter", wait_for_news, &waiter);
    while (!waiter.is_there)
        g_usleep(PAUSE_US);
    for (int i = 1; i <= BOARDS; i++) {
        make_board(fixture, getpid(), i);
        g_usleep(PAUSE_US);
    }
    assert_int_equal(write(waiter.stop_fd, &one, sizeof(one)), sizeof(one));
    g_thread_join(thread);
    close(waiter.stop_fd);
    assert_in_range(waiter.woken, 0, FEW);
}

static void after_a_while_without_any_the_next_one_is_heard(void **state)
{
    struct fixture *fixture = *state;

    pid_t first = begin_process(fixture);
    ct_deaths_update(fixture->deaths);
    while (ct_deaths_due_us(fixture->deaths) != 0) {
        pass_until_due(fixture);
        ct_deaths_update(fixture->deaths);
    }
    pid_t second = begin_process(fixture);
    assert_true(has_news(fixture));
    kill_process(first);
    kill_process(second);
}

static void one_that_has_executed_another_program_keeps_its_time(void **state)
{
    struct fixture *fixture = *state;
    pid_t pid = begin_process(fixture);

    ct_deaths_update(fixture->deaths);
    make_board(fixture, pid, 2);
    kill_process(pid);
    ct_deaths_update(fixture->deaths);
    uint64_t end_ns = ct_deaths_find(fixture->deaths, pid);
    assert_true(end_ns > 0);

    pass_until_due(fixture);
    ct_deaths_update(fixture->deaths);
    assert_int_equal(ct_deaths_find(fixture->deaths, pid), end_ns);
    assert_int_equal(ct_deaths_count(fixture->deaths), 1);
}

static void a_child_that_was_waited_for_keeps_its_time(void **state)
{
    struct fixture *fixture = *state;
    pid_t first = begin_process(fixture);

    ct_deaths_update(fixture->deaths);
    pid_t child = begin_process(fixture); /* nobody has looked yet */
    kill_process(child);
    ct_deaths_add_child(fixture->deaths, child);
    uint64_t end_ns = ct_deaths_find(fixture->deaths, child);
    assert_true(end_ns > 0 && end_ns <= ct_monotonic_ns());

    pass_until_due(fixture);
    ct_deaths_update(fixture->deaths);
    assert_int_equal(ct_deaths_find(fixture->deaths, child), end_ns);
    kill_process(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_begins_is_looked_at_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_that_follow_it_wake_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_that_follow_it_rouse_no_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_while_without_any_the_next_one_is_heard, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_has_executed_another_program_keeps_its_time,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_child_that_was_waited_for_keeps_its_time, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
