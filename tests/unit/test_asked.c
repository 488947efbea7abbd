/* The socket on which others ask the recorder. */
#include "record/asked.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char *folder;
    char *path;
    struct ct_asked *asked;
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->folder = g_dir_make_tmp("ctrace-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "socket", NULL);
    fixture->asked = ct_asked_new(fixture->path, NULL);
    assert_non_null(fixture->asked);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_asked_free(fixture->asked);
    g_rmdir(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->folder);
    g_free(fixture);
    return 0;
}

static void say_ok(void *user, struct ct_asked *asked, guint64 peer, char *line)
{
    g_ptr_array_add(user, g_strdup(line));
    ct_asked_answer(asked, peer, NULL);
}

static gboolean is_awake(const struct ct_asked *asked)
{
    struct pollfd poll_fd = {.fd = ct_asked_fd(asked), .events = POLLIN};

    return poll(&poll_fd, 1, 0) > 0;
}

static void who_connects_without_descriptors_is_let_go(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    int turned_away = ct_asked_connect(fixture->path, NULL);
    struct rlimit limit, none;

    assert_true(turned_away >= 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)turned_away + 1; /* all below are open */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ct_asked_serve(fixture->asked, say_ok, lines);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

    assert_false(is_awake(fixture->asked));
    assert_false(ct_asked_order(turned_away, "hello", NULL));
    close(turned_away);

    int heard = ct_asked_connect(fixture->path, NULL);
    assert_true(write(heard, "hello\n", 6) == 6);
    ct_asked_serve(fixture->asked, say_ok, lines);
    assert_int_equal(lines->len, 1);
    assert_string_equal(lines->pdata[0], "hello");
    close(heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_connects_without_descriptors_is_let_go, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
