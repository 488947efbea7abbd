/* Times in names, and lines of text that show how shares move. */
#include "trend/files.h"
#include "trend/print.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <stdlib.h>

#define NOON_S INT64_C(1767268800) /* 2026-01-01 12:00:00 UTC */
#define HOUR_S INT64_C(3600)

static void folders_are_called_by_their_time(void **state)
{
    static const struct {
        const char *name;
        int64_t time_s;
    } rows[] = {
        {"20260101_120000", NOON_S},
        {"2026-01-01T12:00:00", NOON_S},
        {"2026-01-01 12.00.00", NOON_S},
        {"profile-20260101_12", NOON_S},
        {"20260101", NOON_S - 12 * HOUR_S},
        {"20260101_120000.cpu.pb.gz", NOON_S},
        {"production", 0},
        {"v1.2", 0},
        {"2026", 0},
        {"20261301_120000", 0},
        {"99991231", 0},
        {"12341231", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_true(ct_trend_named_time(rows[i].name) == rows[i].time_s * 1000000000);
}

static void files_are_called_by_their_time_and_kind(void **state)
{
    static const char *const names[] = {"20260101_120000.cpu.pb.gz",
                                        "2026-01-01T12-00-00.cpu.pb.gz", "cpu.pb.gz"};
    g_autofree char *folder = g_dir_make_tmp("ctrace-trend-XXXXXX", NULL);

    (void)state;
    assert_non_null(folder);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);

        assert_true(g_file_set_contents(path, "", 0, NULL));
        g_autoptr(GPtrArray) files = ct_trend_files_find(folder, NULL);

        g_unlink(path);
        assert_int_equal(files->len, 1);
        assert_string_equal(((const struct ct_trend_file *)files->pdata[0])->kind, "cpu");
    }
    g_rmdir(folder);
}

static struct ct_trend_point points[] = {
    {.time_ns = 0, .total = 10}, {.time_ns = 10, .total = 10}, {.time_ns = 30, .total = 10}};

static void sparklines_have_their_gaps(void **state)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    struct ct_trend trend = {.points = list};
    const double shares[] = {0, 0.5, 1};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++)
        g_ptr_array_add(list, &points[i]);
    g_autofree char *line = ct_trend_sparkline(&trend, shares, 1, 4);
    g_autofree char *one = ct_trend_sparkline(&trend, shares, 1, 1);

    assert_string_equal(line, g_get_charset(NULL) ? "▁▄ █" : "_- #");
    assert_string_equal(one, g_get_charset(NULL) ? "▄" : "-");
}

/* Of four hours 0, and four of hour 1. */
static void check_proven(double later_total, gboolean is_proven)
{
    struct ct_trend_point each[8];
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autoptr(GPtrArray) places = g_ptr_array_new();
    g_autoptr(GArray) amounts = g_array_new(FALSE, FALSE, sizeof(struct ct_trend_amount));
    struct ct_trend_place place = {.name = (char *)"serve", .amounts = amounts, .mean = 0.5};
    struct ct_trend trend = {.points = list, .places = places};

    for (guint i = 0; i < G_N_ELEMENTS(each); i++) {
        const struct ct_trend_amount amount = {.point = i, .flat = 5 + i};

        each[i] = (struct ct_trend_point){.time_ns = (i / 4 * HOUR_S + i) * 1000000000,
                                          .total = i < 4 ? 10 : later_total};
        g_ptr_array_add(list, &each[i]);
        if (i < 4)
            g_array_append_val(amounts, amount);
    }
    g_ptr_array_add(places, &place);
    g_autoptr(ct_trend_changes) changes =
        ct_trend_changes_new(&trend, "1970-01-01 00,1970-01-01 01", NULL);

    assert_non_null(changes);
    assert_int_equal(changes->changes->len, 1);
    assert_int_equal(g_array_index(changes->changes, struct ct_trend_change, 0).is_proven,
                     is_proven);
    assert_int_equal(changes->may_prove, is_proven);
}

static void profiles_without_samples_prove_nothing(void **state)
{
    (void)state;
    check_proven(10, TRUE);
    check_proven(0, FALSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_called_by_their_time),
        cmocka_unit_test(files_are_called_by_their_time_and_kind),
        cmocka_unit_test(sparklines_have_their_gaps),
        cmocka_unit_test(profiles_without_samples_prove_nothing),
    };

    setenv("TZ", "UTC", 1);
    setlocale(LC_CTYPE, "");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
