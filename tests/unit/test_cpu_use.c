/* How much of the CPUs was used in a time, against adding up all that ran. */
#include "passes/cpu_use.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define QUESTIONS 200

static uint64_t sum_between(const struct store_fixture *fixture, uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t sum_ns = 0;

    for (guint i = 0; i < fixture->told->len; i++) {
        const struct told *told = &g_array_index(fixture->told, struct told, i);

        if (told->kind == TOLD_RUN && told->run.begin_ns < end_ns && told->run.end_ns > begin_ns)
            sum_ns += MIN(told->run.end_ns, end_ns) - MAX(told->run.begin_ns, begin_ns);
    }
    return sum_ns;
}

static struct ct_window extent_of(const struct store_fixture *fixture)
{
    struct ct_window extent = {UINT64_MAX, 0};

    for (guint i = 0; i < fixture->told->len; i++) {
        const struct told *told = &g_array_index(fixture->told, struct told, i);

        extent.begin_ns = MIN(extent.begin_ns, told_begin_ns(told));
        extent.end_ns = MAX(extent.end_ns, told_end_ns(told));
    }
    return extent;
}

static uint64_t some_time(const struct store_fixture *fixture, const struct ct_window *extent,
                          uint64_t precision_ns)
{
    double share = g_rand_double_range(fixture->rand, -0.1, 1.1);
    double length_ns = (double)(extent->end_ns - extent->begin_ns);
    uint64_t time_ns = (uint64_t)((double)extent->begin_ns + share * length_ns);

    return time_ns / precision_ns * precision_ns;
}

static void check(const struct store_fixture *fixture, const struct ct_cpu_use *use,
                  const struct ct_window *window)
{
    const struct ct_window extent = extent_of(fixture);
    uint64_t precision_ns = ct_cpu_use_precision_ns(use);

    assert_in_range(precision_ns, 1, (extent.end_ns - extent.begin_ns) / (1 << 15));
    for (int i = 0; i < QUESTIONS; i++) {
        uint64_t one_ns = some_time(fixture, &extent, precision_ns);
        uint64_t other_ns = some_time(fixture, &extent, precision_ns);
        uint64_t begin_ns = MIN(one_ns, other_ns), end_ns = MAX(one_ns, other_ns);
        uint64_t inside_ns = MIN(MAX(begin_ns, window->begin_ns), window->end_ns);

        assert_true(
            ct_cpu_use_between(use, begin_ns, end_ns) ==
            (double)sum_between(fixture, inside_ns, MAX(inside_ns, MIN(end_ns, window->end_ns))));
    }
}

static void what_ran_in_a_time_is_the_sum_of_all_runs(void **state)
{
    (void)state;
    for (guint32 seed = 1; seed <= 5; seed++) {
        struct store_fixture fixture;
        const struct ct_window whole = {0, UINT64_MAX};

        store_fixture_init(&fixture, seed, 5, 300);
        g_autoptr(ct_cpu_use) use = ct_cpu_use_find(fixture.store, NULL, NULL);

        assert_non_null(use);
        assert_int_equal(ct_cpu_use_cpus(use), ct_store_cpus(fixture.store)->len);
        assert_true(ct_cpu_use_between(use, 0, UINT64_MAX) ==
                    (double)sum_between(&fixture, 0, UINT64_MAX));
        check(&fixture, use, &whole);
        store_fixture_clear(&fixture);
    }
}

static void of_a_part_only_what_ran_in_it_counts(void **state)
{
    struct store_fixture fixture;

    (void)state;
    store_fixture_init(&fixture, 7, 5, 300);
    const struct ct_window extent = extent_of(&fixture);
    uint64_t third_ns = (extent.end_ns - extent.begin_ns) / 3;
    const struct ct_window part = {extent.begin_ns + third_ns, extent.end_ns - third_ns};
    g_autoptr(ct_cpu_use) use = ct_cpu_use_find(fixture.store, &part, NULL);

    assert_non_null(use);
    check(&fixture, use, &part);
    store_fixture_clear(&fixture);
}

static void between_two_steps_it_is_spread_evenly(void **state)
{
    struct store_fixture fixture;

    (void)state;
    store_fixture_init(&fixture, 9, 5, 300);
    g_autoptr(ct_cpu_use) use = ct_cpu_use_find(fixture.store, NULL, NULL);
    const struct ct_window extent = extent_of(&fixture);
    uint64_t step_ns = ct_cpu_use_precision_ns(use);
    uint64_t begin_ns = extent.begin_ns / step_ns * step_ns;
    double all_ns = ct_cpu_use_between(use, begin_ns, begin_ns + step_ns);
    double half_ns = ct_cpu_use_between(use, begin_ns, begin_ns + step_ns / 2);

    assert_true(2 * half_ns == all_ns);
    store_fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ran_in_a_time_is_the_sum_of_all_runs),
        cmocka_unit_test(of_a_part_only_what_ran_in_it_counts),
        cmocka_unit_test(between_two_steps_it_is_spread_evenly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
