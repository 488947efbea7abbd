/* Shares of weighted durations, against all of them in order. */
#include "passes/durations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT 5000

static int compare(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return (first > second) - (first < second);
}

static void nothing_has_no_duration(void **state)
{
    struct ct_durations durations = {0};

    (void)state;
    assert_int_equal(ct_durations_quantile_ns(&durations, 0.5), 0);
    ct_durations_clear(&durations);
}

static void one_duration_is_all_shares(void **state)
{
    static const uint64_t values[] = {0, 1, 255, 256, 257, 511, 512, 300000001, UINT64_C(1) << 62};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        struct ct_durations durations = {0};

        ct_durations_add(&durations, values[i], 3);
        for (double share = 0; share <= 1; share += 0.25)
            assert_int_equal(ct_durations_quantile_ns(&durations, share), values[i]);
        assert_int_equal(durations.longest_ns, values[i]);
        ct_durations_clear(&durations);
    }
}

/* Each bin's mean is within its width of whatever is in it. */
static void shares_are_close(void **state)
{
    static const double shares[] = {0.01, 0.5, 0.9, 0.99, 1};
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    struct ct_durations durations = {0};
    uint64_t values[COUNT];
    double total_ns = 0;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (uint64_t)exp(g_rand_double_range(rand, 0, 40));
        total_ns += 2 * (double)values[i];
        ct_durations_add(&durations, values[i], 2);
    }
    qsort(values, COUNT, sizeof(values[0]), compare);
    for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
        double exact = (double)values[(size_t)ceil(shares[i] * COUNT) - 1];
        double told = (double)ct_durations_quantile_ns(&durations, shares[i]);

        assert_true(fabs(told - exact) <= exact / 256 + 1);
    }
    assert_true(fabs(durations.total_ns - total_ns) <= total_ns * 1e-9);
    assert_true(durations.count == 2 * COUNT);
    assert_int_equal(durations.longest_ns, values[COUNT - 1]);
    ct_durations_clear(&durations);
}

static void weights_count(void **state)
{
    struct ct_durations durations = {0};

    (void)state;
    ct_durations_add(&durations, 1000, 1);
    ct_durations_add(&durations, 10, 98);
    ct_durations_add(&durations, 100000, 1);
    assert_int_equal(ct_durations_quantile_ns(&durations, 0.5), 10);
    assert_int_equal(ct_durations_quantile_ns(&durations, 0.98), 10);
    assert_int_equal(ct_durations_quantile_ns(&durations, 0.99), 1000);
    assert_int_equal(ct_durations_quantile_ns(&durations, 1), 100000);
    ct_durations_clear(&durations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_no_duration),
        cmocka_unit_test(one_duration_is_all_shares),
        cmocka_unit_test(shares_are_close),
        cmocka_unit_test(weights_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
