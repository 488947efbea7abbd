/* What the programs share: times that people type, windows, files written, lines said. */
#include "cli/output.h"
#include "cli/say.h"
#include "cli/scope.h"
#include "cli/window.h"
#include "cli/worker.h"
#include "options/nearest.h"
#include "options/parse.h"
#include "timeline_fixture.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void times_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {
        {"1.5s", 1500000000}, {"200ms", 200000000}, {"10us", 10000},       {"10\302\265s", 10000},
        {"50ns", 50},         {"2m", 120000000000}, {"1h", 3600000000000}, {"0", 0},
        {".5us", 500}};
    static const char *const wrong[] = {"",     "s",  "5",      "-1s",   "1 s",  "1.5.1s", "infs",
                                        "nans", "5%", "1e999s", "10sec", "1min", "0x10s"};
    uint64_t ns;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_true(ct_duration_parse(cases[i].text, &ns, NULL));
        assert_int_equal(ns, cases[i].ns);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        assert_false(ct_duration_parse(wrong[i], &ns, &error));
        assert_non_null(error);
    }
}

static void a_window_is_read_and_checked(void **state)
{
    (void)state;
    const struct ct_recorded_time recording = {{1000, 1000 + 2 * FIXTURE_S}, 0};
    struct ct_window window;
    struct ct_moment from, to;
    assert_true(ct_moment_parse("1.5s", &from, NULL));
    assert_true(ct_moment_parse("90%", &to, NULL));
    assert_true(ct_window_resolve(&from, &to, &recording, &window, NULL));
    assert_int_equal(window.begin_ns, 1000 + 1500 * FIXTURE_MS);
    assert_int_equal(window.end_ns, 1000 + 1800 * FIXTURE_MS);

    assert_true(ct_moment_parse("200ms", &from, NULL));
    assert_true(ct_moment_parse("1h", &to, NULL));
    assert_true(ct_window_resolve(&from, &to, &recording, &window, NULL));
    assert_int_equal(window.end_ns, recording.extent.end_ns);

    assert_true(ct_moment_parse("3s", &from, NULL));
    GError *error = NULL;
    assert_false(ct_window_resolve(&from, NULL, &recording, &window, &error));
    assert_non_null(strstr(error->message, "2.00 s"));
    g_clear_error(&error);
    assert_true(ct_moment_parse("10us", &to, NULL));
    assert_true(ct_moment_parse("10us", &from, NULL));
    assert_false(ct_window_resolve(&from, &to, &recording, &window, &error));
    g_clear_error(&error);

    const char *const wrong[] = {"",    "5",    "-1s",   "nan",          "inf", "1e999s",
                                 "1 x", "101%", "0x10s", "99999999999h", "s",   "%"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        assert_false(ct_moment_parse(wrong[i], &from, &error));
        g_clear_error(&error);
    }
}

/* 2026-11-29 14:03:22.25 to 14:05:22.25, UTC, where everybody is. */
static const struct ct_recorded_time some_day = {
    {5 * FIXTURE_S, 125 * FIXTURE_S},
    INT64_C(1795960997250000000),
};

static void times_of_day_are_found_in_the_recording(void **state)
{
    static const struct {
        const char *from, *to;
        uint64_t begin_ns, end_ns; /* from the beginning */
    } cases[] = {
        {"14:03:22.5", "14:04", 250 * FIXTURE_MS, 37750 * FIXTURE_MS},
        {"2026-11-29 14:04:22", "2026-11-29T14:04:23", 59750 * FIXTURE_MS, 60750 * FIXTURE_MS},
        {"14:04:00", "50s", 37750 * FIXTURE_MS, 50 * FIXTURE_S},
        {"14:03:22.250", NULL, 0, 120 * FIXTURE_S},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ct_moment from, to;
        struct ct_window window;

        assert_true(ct_moment_parse(cases[i].from, &from, NULL));
        assert_true(!cases[i].to || ct_moment_parse(cases[i].to, &to, NULL));
        assert_true(ct_window_resolve(&from, cases[i].to ? &to : NULL, &some_day, &window, NULL));
        assert_int_equal(window.begin_ns - some_day.extent.begin_ns, cases[i].begin_ns);
        assert_int_equal(window.end_ns - some_day.extent.begin_ns, cases[i].end_ns);
    }
}

/* Of a recording over midnight it is that of either day. */
static void a_time_of_day_is_of_the_day_that_has_it(void **state)
{
    const struct ct_recorded_time night = {{0, 7200 * FIXTURE_S},
                                           INT64_C(1795993200000000000)}; /* 23:00 to 01:00 */
    struct ct_moment from, to;
    struct ct_window window;

    (void)state;
    assert_true(ct_moment_parse("23:30", &from, NULL));
    assert_true(ct_moment_parse("00:15", &to, NULL));
    assert_true(ct_moment_may_precede(&from, &to));
    assert_true(ct_window_resolve(&from, &to, &night, &window, NULL));
    assert_int_equal(window.begin_ns, 1800 * FIXTURE_S);
    assert_int_equal(window.end_ns, 4500 * FIXTURE_S);
}

static void a_time_of_day_outside_is_told_the_range(void **state)
{
    static const char *const outside[] = {"14:03:22", "15:00", "2026-11-28 14:04:00"};
    static const char *const wrong[] = {
        "24:00",    "14:60", "14:3x",    "14:", ":30", "14:03:22.", "2026-13-01 10:00",
        "14:03:60", "-1:00", "10:00 UTC"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(outside); i++) {
        g_autoptr(GError) error = NULL;
        struct ct_moment from;
        struct ct_window window;

        assert_true(ct_moment_parse(outside[i], &from, NULL));
        assert_false(ct_window_resolve(&from, NULL, &some_day, &window, &error));
        assert_non_null(
            strstr(error->message, "from 2026-11-29 14:03:22.250 to 2026-11-29 14:05:22.250"));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        struct ct_moment moment;

        assert_false(ct_moment_parse(wrong[i], &moment, NULL));
    }
}

static gboolean check_scope(struct ct_scope *scope, char **message)
{
    g_autoptr(GError) error = NULL;
    gboolean is_right = ct_scope_check(scope, &error);

    *message = error ? g_strdup(error->message) : NULL;
    return is_right;
}

static void what_is_asked_of_waits_is_checked_at_once(void **state)
{
    struct ct_scope scope = {.min = g_strdup("1ms"), .place = g_strdup("serve_.*")};
    g_autofree char *message = NULL;

    (void)state;
    scope.classes = g_strsplit("net,sync syscall", " ", -1);
    scope.operations = g_strsplit("read,recv poll", " ", -1);
    assert_true(check_scope(&scope, &message));
    assert_int_equal(scope.selection.classes,
                     1U << CT_CLASS_NET | 1U << CT_CLASS_SYNC | 1U << CT_CLASS_SYSCALL);
    assert_int_equal(g_strv_length((char **)scope.selection.operations), 3);
    assert_int_equal(scope.selection.min_ns, FIXTURE_MS);
    assert_false(ct_selection_is_all_waits(&scope.selection));
    ct_scope_clear(&scope);

    static const struct {
        const char *class, *place, *min, *said;
    } wrong[] = {
        {"snc", NULL, NULL, "did you mean sync?"},
        {"nothing like it", NULL, NULL, "there are running, runnable"},
        {NULL, "a(b", NULL, "at char 3"},
        {NULL, NULL, "1 ms", "--min: "},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *said = NULL;

        scope = (struct ct_scope){.place = g_strdup(wrong[i].place), .min = g_strdup(wrong[i].min)};
        scope.classes = wrong[i].class ? g_strsplit(wrong[i].class, "|", -1) : NULL;
        assert_false(check_scope(&scope, &said));
        assert_non_null(strstr(said, wrong[i].said));
        ct_scope_clear(&scope);
    }
}

static void files_are_written_whole_or_not_at_all(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-output-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "profile", NULL);
    g_autofree char *link_path = g_build_filename(folder, "link", NULL);
    g_autofree char *missing = g_build_filename(folder, "missing", "profile", NULL);
    g_autoptr(GBytes) bytes = g_bytes_new_static("profile", 7);
    g_autofree char *content = NULL;
    g_autoptr(GError) full = NULL;
    g_autoptr(GError) absent = NULL;
    struct stat status;

    (void)state;
    assert_true(ct_output_write_file(path, bytes, NULL));
    assert_int_equal(symlink("profile", link_path), 0);
    assert_true(ct_output_write_file(link_path, bytes, NULL));
    assert_true(g_file_get_contents(path, &content, NULL, NULL));
    assert_string_equal(content, "profile");
    assert_int_equal(lstat(link_path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_false(ct_output_write_file("/dev/full", bytes, &full));
    assert_non_null(strstr(full->message, "/dev/full"));
    assert_int_equal(stat("/dev/full", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
    assert_false(ct_output_write_file(missing, bytes, &absent));
    assert_non_null(strstr(absent->message, missing));
    unlink(path);
    /* A link that leads nowhere yet. */
    assert_true(ct_output_write_file(link_path, bytes, NULL));
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    /* Who may read a file is not for us to change. */
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(ct_output_write_file(path, bytes, NULL));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(chmod(path, 0666), 0);
    assert_true(ct_output_write_file(path, bytes, NULL));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0666);
    unlink(path);
    unlink(link_path);
    assert_int_equal(rmdir(folder), 0); /* nothing was left behind */
}

/* What ct_say() writes to stderr. */
static char *said(const char *text)
{
    g_autofree char *path = NULL;
    char *content = NULL;
    int file = g_file_open_tmp("ctrace-say-XXXXXX", &path, NULL);
    int before = dup(STDERR_FILENO);

    dup2(file, STDERR_FILENO);
    ct_say("%s", text);
    dup2(before, STDERR_FILENO);
    close(before);
    close(file);
    assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_unlink(path);
    return content;
}

static void what_is_said_cannot_control_the_terminal(void **state)
{
    g_autofree char *text = said("\033]0;title\007 \302\233"
                                 "31m\r\n\377 caf\303\251");

    (void)state;
    assert_string_equal(text, "test: ?]0;title? ?31m \357\277\275 caf\303\251\n");
}

static void who_mistypes_a_word_is_told_which_is_meant(void **state)
{
    static const char *const words[] = {"record", "report", "pprof", "timeline", "net"};
    static const struct {
        const char *typed;
        const char *meant; /* NULL: nothing */
    } cases[] = {{"recrod", "record"},
                 {"reprot", "report"},
                 {"recor", "record"},
                 {"timelines", "timeline"},
                 {"ppof", "pprof"},
                 {"x", NULL},
                 {"", NULL},
                 {"abc", NULL},
                 {"serve", NULL},
                 {"nte", "net"},
                 {"a-word-that-is-longer-than-any-command", NULL}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *meant = ct_nearest(cases[i].typed, words, G_N_ELEMENTS(words));
        if (g_strcmp0(meant, cases[i].meant) != 0)
            fail_msg("'%s' was taken for '%s'", cases[i].typed, meant ? meant : "(nothing)");
    }
}

static gboolean is_number(const char *word)
{
    return *word && strspn(word, "0123456789") == strlen(word);
}

static void the_words_of_one_value_are_joined_up_to_the_program(void **state)
{
    static const GOptionEntry entries[] = {
        {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, NULL, NULL, NULL},
        {"output", 'o', 0, G_OPTION_ARG_STRING, NULL, NULL, NULL},
        {"cpu", 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
        G_OPTION_ENTRY_NULL,
    };
    static const struct {
        const char *typed;
        const char *joined;
    } cases[] = {
        {"c -p 1 2 3 --cpu", "c|-p|1,2,3|--cpu"},
        {"c --pid=1 2 -o 7 8", "c|--pid=1,2|-o|7|8"},
        {"c -p1 2 x", "c|-p|1,2|x"},
        {"c --pid 1 2 -p 3 4", "c|--pid|1,2|-p|3,4"},
        {"c -o 1 2 -p 3 4", "c|-o|1|2|-p|3|4"},
        {"c --cpu 99 true", "c|--cpu|99|true"},
        {"c -p 1 -- 2 3", "c|-p|1|--|2|3"},
        {"c prog -p 1 2", "c|prog|-p|1|2"},
        {"c -p", "c|-p"},
        {"c", "c"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char **typed = g_strsplit(cases[i].typed, " ", -1);
        g_auto(GStrv) joined = ct_options_join(entries, &entries[0], typed, is_number);
        g_autofree char *line = g_strjoinv("|", joined);
        assert_string_equal(line, cases[i].joined);
    }
}

static int has_symbol_servers(void *user, struct ct_activity *activity)
{
    (void)user;
    (void)activity;
    return g_getenv("DEBUGINFOD_URLS") ? 1 : 0;
}

static void who_reads_a_recording_is_told_no_servers_to_ask(void **state)
{
    struct ct_worker_result result;

    (void)state;
    g_setenv("DEBUGINFOD_URLS", "http://localhost:1", TRUE);
    assert_true(ct_worker_run(".", has_symbol_servers, NULL, &result, NULL));
    assert_int_equal(result.status, 0);
    assert_non_null(g_getenv("DEBUGINFOD_URLS"));
    g_unsetenv("DEBUGINFOD_URLS");
    ct_worker_result_clear(&result);
}

static int run_for_ever(void *user, struct ct_activity *activity)
{
    (void)user;
    (void)activity;
    for (volatile gboolean is_on = TRUE; is_on;)
        continue;
    return 0;
}

static int take_no_memory(void *user, struct ct_activity *activity)
{
    (void)user;
    (void)activity;
    abort();
}

/* What a reader that does that, under the limit, is said to have died of. */
static char *die_under(__rlimit_resource_t resource, rlim_t limit, ct_work *work)
{
    struct ct_worker_result result;
    GError *error = NULL;
    struct rlimit before;

    getrlimit(resource, &before);
    const struct rlimit lower = {limit, before.rlim_max};
    setrlimit(resource, &lower);
    assert_false(ct_worker_run(".", work, NULL, &result, &error));
    setrlimit(resource, &before);
    char *why = g_strdup(error->message);
    g_error_free(error);
    return why;
}

static void a_reader_that_dies_of_a_limit_is_said_to(void **state)
{
    g_autofree char *of_time = die_under(RLIMIT_CPU, 1, run_for_ever);
    g_autofree char *of_itself = die_under(RLIMIT_FSIZE, 1 << 20, take_no_memory);

    (void)state;
    assert_non_null(strstr(of_time, "CPU time is limited to 1 s (ulimit -t)"));
#ifndef __SANITIZE_ADDRESS__ /* which takes terabytes of addresses for itself */
    g_autofree char *of_memory = die_under(RLIMIT_AS, (rlim_t)1 << 30, take_no_memory);
    assert_non_null(strstr(of_memory, "(ulimit -v)"));
#endif
    assert_null(strstr(of_itself, "ulimit"));
    assert_non_null(strstr(of_itself, "damaged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_mistypes_a_word_is_told_which_is_meant),
        cmocka_unit_test(the_words_of_one_value_are_joined_up_to_the_program),
        cmocka_unit_test(times_are_read_as_people_write_them),
        cmocka_unit_test(a_window_is_read_and_checked),
        cmocka_unit_test(times_of_day_are_found_in_the_recording),
        cmocka_unit_test(a_time_of_day_is_of_the_day_that_has_it),
        cmocka_unit_test(a_time_of_day_outside_is_told_the_range),
        cmocka_unit_test(what_is_asked_of_waits_is_checked_at_once),
        cmocka_unit_test(files_are_written_whole_or_not_at_all),
        cmocka_unit_test(what_is_said_cannot_control_the_terminal),
        cmocka_unit_test(who_reads_a_recording_is_told_no_servers_to_ask),
        cmocka_unit_test(a_reader_that_dies_of_a_limit_is_said_to),
    };

    g_set_prgname("test");
    g_setenv("TZ", "UTC", TRUE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
