/* Profiles that are collected round the clock: what is kept of a month, and what a restart finds.
 */
#include "collect/archive.h"
#include "collect/index.h"
#include "collect/rotation.h"
#include "files/tree.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <sqlite3.h>

#define NOON_S G_GINT64_CONSTANT(1767268800) /* 2026-01-01 12:00:00 UTC */
#define HOUR_S G_GINT64_CONSTANT(3600)
#define DAY_S  (24 * HOUR_S)

/* ---- Rotation ---- */

static const struct ct_rotation_limits month = {30 * DAY_S, G_MAXUINT64};

static struct ct_rotation_folder *at(GArray *folders, guint index)
{
    return &g_array_index(folders, struct ct_rotation_folder, index);
}

static void insert(GArray *folders, const struct ct_rotation_folder *folder)
{
    guint index = folders->len;

    while (index > 0 && at(folders, index - 1)->from_s > folder->from_s)
        index--;
    g_array_insert_vals(folders, index, folder, 1);
}

/* As a step says; of a folder its bytes stand for how many were collected that are in it. */
static void take_step(GArray *folders, const struct ct_rotation_step *step)
{
    struct ct_rotation_folder merged = {.from_s = step->from_s, .level = step->level};

    if (step->kind == CT_ROTATION_REMOVE) {
        g_array_remove_index(folders, step->first);
        return;
    }
    for (guint i = step->members->len; i > 0; i--) {
        guint index = g_array_index(step->members, guint, i - 1);

        merged.bytes += at(folders, index)->bytes;
        g_array_remove_index(folders, index);
    }
    insert(folders, &merged);
}

/* All that is due. */
static void rotate(GArray *folders, const struct ct_rotation_limits *limits, gint64 now_s)
{
    struct ct_rotation_step step;

    for (;;) {
        ct_rotation_next(&step, folders, limits, now_s);
        if (step.kind == CT_ROTATION_NOTHING)
            return;
        take_step(folders, &step);
        ct_rotation_step_clear(&step);
    }
}

static GArray *folders_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(struct ct_rotation_folder));
}

/* One a minute. */
static void collect(GArray *folders, const struct ct_rotation_limits *limits, gint64 from_s,
                    gint64 until_s)
{
    for (gint64 now_s = from_s; now_s < until_s; now_s += 60) {
        const struct ct_rotation_folder folder = {.from_s = now_s, .bytes = 1};

        insert(folders, &folder);
        rotate(folders, limits, now_s);
    }
}

static guint count_of(GArray *folders, guint level)
{
    guint count = 0;

    for (guint i = 0; i < folders->len; i++)
        count += at(folders, i)->level == level;
    return count;
}

static void a_month_is_minutes_then_tens_of_minutes_then_hours(void **state)
{
    g_autoptr(GArray) folders = folders_new();
    guint64 minutes = 0;

    (void)state;
    collect(folders, &month, NOON_S, NOON_S + 40 * DAY_S);
    for (guint i = 0; i < folders->len; i++) {
        const struct ct_rotation_folder *folder = at(folders, i);
        guint64 full = (guint64)MAX(ct_rotation_length_s(folder->level) / 60, 1);

        assert_int_equal(folder->bytes, full);
        minutes += folder->bytes;
    }
    assert_in_range(count_of(folders, 0), 24 * 60, 24 * 60 + 10);
    assert_in_range(count_of(folders, 1), 6 * 144, 6 * 144 + 6);
    assert_in_range(count_of(folders, 2), 23 * 24, 23 * 24 + 1);
    assert_in_range(minutes, 30 * 24 * 60, 30 * 24 * 60 + 60);
}

static void the_oldest_go_where_there_is_too_much(void **state)
{
    const struct ct_rotation_limits few = {30 * DAY_S, 100};
    g_autoptr(GArray) folders = folders_new();

    (void)state;
    collect(folders, &few, NOON_S, NOON_S + HOUR_S * 3);
    assert_int_equal(folders->len, 100);
    assert_true(at(folders, 0)->from_s == NOON_S + 80 * 60);
}

static void a_short_time_to_keep_is_kept_to(void **state)
{
    const struct ct_rotation_limits hour = {HOUR_S, G_MAXUINT64};
    g_autoptr(GArray) folders = folders_new();

    (void)state;
    collect(folders, &hour, NOON_S, NOON_S + 5 * HOUR_S);
    assert_int_equal(folders->len, 60);
}

/* An agent that was away for weeks merges what is left of the time before. */
static void gaps_stay_gaps(void **state)
{
    g_autoptr(GArray) folders = folders_new();

    (void)state;
    collect(folders, &month, NOON_S, NOON_S + HOUR_S);
    collect(folders, &month, NOON_S + 20 * DAY_S, NOON_S + 20 * DAY_S + HOUR_S);
    assert_int_equal(count_of(folders, 2), 1);
    assert_int_equal(count_of(folders, 1), 0);
    assert_int_equal(count_of(folders, 0), 60);
}

static void what_cannot_be_merged_waits_for_its_end(void **state)
{
    g_autoptr(GArray) folders = folders_new();

    (void)state;
    collect(folders, &month, NOON_S, NOON_S + HOUR_S);
    for (guint i = 0; i < folders->len; i++)
        at(folders, i)->is_stuck = TRUE;
    rotate(folders, &month, NOON_S + 10 * DAY_S);
    assert_int_equal(count_of(folders, 0), 60);
    rotate(folders, &month, NOON_S + 31 * DAY_S);
    assert_int_equal(folders->len, 0);
}

/* ---- Archive ---- */

struct fixture {
    char *path; /* owned */
    struct ct_archive *archive;
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->path = g_dir_make_tmp("ctrace-collect-XXXXXX", NULL);
    fixture->archive = ct_archive_open(fixture->path, NULL);
    *state = fixture;
    return fixture->archive ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->archive)
        ct_archive_free(fixture->archive);
    ct_tree_remove(fixture->path);
    g_free(fixture->path);
    g_free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture)
{
    ct_archive_free(fixture->archive);
    fixture->archive = ct_archive_open(fixture->path, NULL);
    assert_non_null(fixture->archive);
}

/* A folder with a profile of that text. */
static const char *put(struct fixture *fixture, gint64 from_s, guint level, const char *text)
{
    g_autofree char *part = ct_archive_begin(fixture->archive, NULL);
    g_autofree char *file = g_build_filename(part, "cpu.pb.gz", NULL);

    assert_non_null(part);
    assert_true(g_file_set_contents(file, text, -1, NULL));
    const struct ct_rotation_folder *folder =
        ct_archive_commit(fixture->archive, part, from_s, level, NULL);

    assert_non_null(folder);
    assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
    return folder->name;
}

static void a_restart_finds_what_was_finished(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *part = ct_archive_begin(fixture->archive, NULL);

    assert_string_equal(put(fixture, NOON_S, 0, "a"), "20260101_120000");
    assert_string_equal(put(fixture, NOON_S - 600, 1, "b"), "20260101_115000_10min");
    assert_string_equal(put(fixture, NOON_S, 0, "c"), "20260101_120001");
    reopen(fixture);
    const GArray *folders = ct_archive_folders(fixture->archive);

    assert_int_equal(folders->len, 3);
    assert_int_equal(g_array_index(folders, struct ct_rotation_folder, 0).level, 1);
    assert_true(g_array_index(folders, struct ct_rotation_folder, 1).from_s == NOON_S);
    assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
    ct_archive_remove(fixture->archive, "20260101_120000");
    assert_null(ct_archive_find(fixture->archive, NOON_S, 0));
    reopen(fixture);
    assert_int_equal(ct_archive_folders(fixture->archive)->len, 2);
}

static void what_is_merged_anew_takes_the_place_of_what_was(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->path, "20260101_120000_1h/cpu.pb.gz", NULL);
    g_autofree char *text = NULL;

    put(fixture, NOON_S, 2, "once");
    put(fixture, NOON_S, 2, "twice");
    assert_int_equal(ct_archive_folders(fixture->archive)->len, 1);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "twice");
}

static void a_folder_has_one_agent(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;

    assert_null(ct_archive_open(fixture->path, &error));
    assert_non_null(strstr(error->message, "another agent"));
}

static void folders_of_others_are_left_alone(void **state)
{
    static const char *const names[] = {"20260101", "20261301_120000", "20260101_120000_2h",
                                        "mine"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(fixture->path, names[i], NULL);

        assert_int_equal(g_mkdir(path, 0700), 0);
    }
    reopen(fixture);
    assert_int_equal(ct_archive_folders(fixture->archive)->len, 0);
}

/* ---- Index ---- */

/* The first value of the first row. */
static int ask(const struct fixture *fixture, const char *sql)
{
    g_autofree char *path = g_build_filename(fixture->path, CT_INDEX_FILE, NULL);
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int value = sqlite3_column_int(statement, 0);

    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

static void an_index_knows_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *name = g_strdup(put(fixture, NOON_S, 0, "abc"));
    struct ct_index *index = ct_index_open(fixture->archive, NULL);

    assert_non_null(index);
    assert_true(ct_index_add(index, name, 0, NOON_S, NOON_S + 10));
    assert_int_equal(ask(fixture, "SELECT bytes FROM profiles WHERE kind = 'cpu'"), 3);
    assert_true(ct_index_known_until_s(index) == NOON_S + 10);
    assert_true(ct_index_remove(index, name));
    assert_int_equal(ask(fixture, "SELECT count(*) FROM profiles"), 0);
    ct_index_free(index);
}

static void an_index_is_brought_up_to_the_folders(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->path, CT_INDEX_FILE, NULL);

    put(fixture, NOON_S, 1, "a");
    ct_index_free(ct_index_open(fixture->archive, NULL));
    assert_int_equal(ask(fixture, "SELECT until_s - from_s FROM profiles"), 600);
    put(fixture, NOON_S + 600, 1, "b");
    ct_archive_remove(fixture->archive, "20260101_120000_10min");
    ct_index_free(ct_index_open(fixture->archive, NULL));
    assert_int_equal(ask(fixture, "SELECT count(*) FROM profiles"), 1);
    assert_true(g_file_set_contents(path, "this is no database at all, but a text", -1, NULL));
    ct_index_free(ct_index_open(fixture->archive, NULL));
    assert_int_equal(ask(fixture, "SELECT count(*) FROM profiles"), 1);
}

static void an_index_of_a_newer_version_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->path, CT_INDEX_FILE, NULL);
    g_autoptr(GError) error = NULL;
    sqlite3 *database = NULL;

    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "PRAGMA user_version = 99", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    assert_null(ct_index_open(fixture->archive, &error));
    assert_non_null(strstr(error->message, "a newer ctrace"));
    assert_int_equal(ask(fixture, "PRAGMA user_version"), 99);
}

static void gaps_of_one_reason_are_one(void **state)
{
    struct fixture *fixture = *state;
    struct ct_index *index = ct_index_open(fixture->archive, NULL);
    struct ct_index_gap gap = {NOON_S, NOON_S, "", "it does not run"};

    for (gint64 i = 0; i < 5; i++) {
        gap.from_s = gap.until_s = NOON_S + 60 * i;
        assert_true(ct_index_add_gap(index, &gap, 90));
    }
    gap.from_s = gap.until_s = NOON_S + HOUR_S;
    assert_true(ct_index_add_gap(index, &gap, 90));
    gap.kind = "cpu";
    assert_true(ct_index_add_gap(index, &gap, 90));
    assert_int_equal(ask(fixture, "SELECT count(*) FROM gaps"), 3);
    assert_int_equal(ask(fixture, "SELECT max(until_s - from_s) FROM gaps"), 240);
    assert_true(ct_index_forget(index, NOON_S + HOUR_S));
    assert_int_equal(ask(fixture, "SELECT count(*) FROM gaps"), 2);
    ct_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_is_minutes_then_tens_of_minutes_then_hours),
        cmocka_unit_test(the_oldest_go_where_there_is_too_much),
        cmocka_unit_test(a_short_time_to_keep_is_kept_to),
        cmocka_unit_test(gaps_stay_gaps),
        cmocka_unit_test(what_cannot_be_merged_waits_for_its_end),
        cmocka_unit_test_setup_teardown(a_restart_finds_what_was_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_merged_anew_takes_the_place_of_what_was, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_folder_has_one_agent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_of_others_are_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_index_knows_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_index_is_brought_up_to_the_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_index_of_a_newer_version_is_left_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gaps_of_one_reason_are_one, set_up, tear_down),
    };

    g_setenv("TZ", "UTC", TRUE);
    return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
