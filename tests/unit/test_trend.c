/* Times in names, and lines of text that show how shares move. */
#include "trend/files.h"
#include "trend/print.h"

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
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_true(ct_trend_named_time(rows[i].name) == rows[i].time_s * 1000000000);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_called_by_their_time),
        cmocka_unit_test(sparklines_have_their_gaps),
    };

    setenv("TZ", "UTC", 1);
    setlocale(LC_CTYPE, "");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
