/* Counts, sums and percentiles are those that looking at every duration gives. */
#include "summary/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

/* As the header promises. */
#define ERROR_SHARE (1.0 / 128)

static const double shares[] = {0, 0.001, 0.5, 0.9, 0.99, 0.999, 1};

static int compare(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return (first > second) - (first < second);
}

/* Of durations that count once each. */
static uint64_t true_quantile(uint64_t *durations, size_t count, double share)
{
    size_t rank = (size_t)ceil(share * (double)count - 1e-9);

    qsort(durations, count, sizeof(durations[0]), compare);
    return durations[rank > 0 ? rank - 1 : 0];
}

/* Of every size. */
static uint64_t some_duration(GRand *rand)
{
    return g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);
}

static double sum_of_octaves(const struct ct_histogram *histogram)
{
    double sum = 0;

    for (unsigned octave = 0; octave < CT_HISTOGRAM_OCTAVES; octave++)
        sum += ct_histogram_octave(histogram, octave);
    return sum;
}

static void check(size_t count, gboolean is_exact)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autofree uint64_t *durations = g_new(uint64_t, count);
    g_autoptr(ct_histogram) histogram = ct_histogram_new();
    double total_ns = 0;

    for (size_t i = 0; i < count; i++) {
        durations[i] = some_duration(rand);
        total_ns += (double)durations[i];
        ct_histogram_add(histogram, durations[i], 1);
    }
    assert_int_equal(ct_histogram_is_exact(histogram), is_exact);
    assert_true(ct_histogram_count(histogram) == (double)count);
    assert_true(ct_histogram_total_ns(histogram) == total_ns);
    assert_true(sum_of_octaves(histogram) == (double)count);
    for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
        uint64_t wanted = true_quantile(durations, count, shares[i]);
        uint64_t found = ct_histogram_quantile_ns(histogram, shares[i]);
        uint64_t least = ct_histogram_quantile_floor_ns(histogram, shares[i]);

        if (is_exact)
            assert_int_equal(found, wanted);
        else
            assert_true(fabs((double)found - (double)wanted) <= ERROR_SHARE * (double)wanted);
        assert_true(least <= wanted);
    }
    assert_int_equal(ct_histogram_min_ns(histogram), durations[0]);
    assert_int_equal(ct_histogram_max_ns(histogram), durations[count - 1]);
}

static void few_durations_have_exact_percentiles(void **state)
{
    (void)state;
    check(1, TRUE);
    check(99, TRUE);
    check(CT_HISTOGRAM_EXACT, TRUE);
}

static void percentiles_of_many_are_as_good_as_is_said(void **state)
{
    (void)state;
    check(2 * CT_HISTOGRAM_EXACT, FALSE);
    check(20000, FALSE);
}

/* However many there are, where few are different. */
static void durations_that_are_the_same_stay_exact(void **state)
{
    g_autoptr(ct_histogram) histogram = ct_histogram_new();

    (void)state;
    for (uint64_t i = 0; i < 10000; i++)
        ct_histogram_add(histogram, 1000000 + i % 100, 1);
    assert_true(ct_histogram_is_exact(histogram));
    assert_int_equal(ct_histogram_quantile_ns(histogram, 0.99), 1000098);
}

static void sampled_ones_count_for_all_that_they_stand_for(void **state)
{
    g_autoptr(ct_histogram) histogram = ct_histogram_new();

    (void)state;
    ct_histogram_add(histogram, 100, 98.5);
    ct_histogram_add(histogram, 5000, 1.5);
    assert_true(ct_histogram_count(histogram) == 100);
    assert_true(ct_histogram_total_ns(histogram) == 98.5 * 100 + 1.5 * 5000);
    assert_int_equal(ct_histogram_quantile_ns(histogram, 0.985), 100);
    assert_int_equal(ct_histogram_quantile_ns(histogram, 0.99), 5000);
    assert_true(ct_histogram_octave(histogram, 6) == 98.5);
    ct_histogram_add(histogram, 7, NAN);
    ct_histogram_add(histogram, 7, -1);
    assert_int_equal(ct_histogram_min_ns(histogram), 100);
}

/* Of each kind into each. */
static void what_is_merged_is_what_one_would_have_counted(void **state)
{
    static const size_t sizes[] = {0, 10, CT_HISTOGRAM_EXACT, 5000};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes) * G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)i);
        g_autoptr(ct_histogram) all = ct_histogram_new();
        ct_histogram *parts[] = {ct_histogram_new(), ct_histogram_new()};
        const size_t counts[] = {sizes[i / G_N_ELEMENTS(sizes)], sizes[i % G_N_ELEMENTS(sizes)]};

        for (size_t part = 0; part < 2; part++) {
            for (size_t n = 0; n < counts[part]; n++) {
                uint64_t duration_ns = some_duration(rand);

                ct_histogram_add(parts[part], duration_ns, 1);
                ct_histogram_add(all, duration_ns, 1);
            }
        }
        ct_histogram_merge(parts[0], parts[1]);
        assert_true(ct_histogram_count(parts[0]) == ct_histogram_count(all));
        assert_true(ct_histogram_total_ns(parts[0]) == ct_histogram_total_ns(all));
        assert_int_equal(ct_histogram_max_ns(parts[0]), ct_histogram_max_ns(all));
        assert_int_equal(ct_histogram_min_ns(parts[0]), ct_histogram_min_ns(all));
        for (unsigned octave = 0; octave < CT_HISTOGRAM_OCTAVES; octave++)
            assert_true(ct_histogram_octave(parts[0], octave) == ct_histogram_octave(all, octave));
        ct_histogram_free(parts[0]);
        ct_histogram_free(parts[1]);
    }
}

static void of_nothing_there_is_nothing(void **state)
{
    g_autoptr(ct_histogram) histogram = ct_histogram_new();

    (void)state;
    assert_int_equal(ct_histogram_quantile_ns(histogram, 0.5), 0);
    assert_int_equal(ct_histogram_min_ns(histogram), 0);
    assert_true(ct_histogram_mean_ns(histogram) == 0);
    ct_histogram_add(histogram, 0, 1);
    ct_histogram_add(histogram, UINT64_MAX, 1);
    assert_int_equal(ct_histogram_quantile_ns(histogram, 1), UINT64_MAX);
    assert_true(sum_of_octaves(histogram) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_durations_have_exact_percentiles),
        cmocka_unit_test(percentiles_of_many_are_as_good_as_is_said),
        cmocka_unit_test(durations_that_are_the_same_stay_exact),
        cmocka_unit_test(sampled_ones_count_for_all_that_they_stand_for),
        cmocka_unit_test(what_is_merged_is_what_one_would_have_counted),
        cmocka_unit_test(of_nothing_there_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
