/* What samples of runs prove, against counts over all ways to divide them and published tables. */
#include "diff/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NEAR 1e-12

static void assert_near(double value, double expected)
{
    if (fabs(value - expected) > NEAR * fmax(1, fabs(expected)))
        fail_msg("%.17g is not %.17g", value, expected);
}

static struct ct_values sample_of(guint count, const double *values)
{
    struct ct_values sample = {.count = count};

    for (guint i = 0; i < count; i++)
        sample.values[i] = values[i];
    return sample;
}

/* So that a test is the same each time. */
static double next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 40) / (1 << 24);
}

/* ---- Mann and Whitney ---- */

/* The rank sum of those in `chosen`, twice, by comparing each with each. */
static double rank_sum(const double *all, guint count, uint32_t chosen)
{
    double sum = 0;

    for (guint i = 0; i < count; i++) {
        if (!(chosen >> i & 1))
            continue;
        for (guint j = 0; j < count; j++)
            sum += all[j] < all[i] ? 2 : all[j] <= all[i] ? 1 : 0;
        sum += 1;
    }
    return sum;
}

/* All divisions, one by one. */
static struct ct_rank_test brute_force(const struct ct_values *old, const struct ct_values *new)
{
    guint count = old->count + new->count;
    double all[32], actual, ways = 0, higher = 0, lower = 0;

    for (guint i = 0; i < count; i++)
        all[i] = i < old->count ? old->values[i] : new->values[i - old->count];
    actual = rank_sum(all, count, ((1U << new->count) - 1) << old->count);
    for (uint32_t chosen = 0; chosen < 1U << count; chosen++) {
        if ((guint)__builtin_popcount(chosen) != new->count)
            continue;
        double sum = rank_sum(all, count, chosen);

        ways++;
        higher += sum >= actual;
        lower += sum <= actual;
    }
    return (struct ct_rank_test){higher / ways, lower / ways,
                                 fmin(1, 2 * fmin(higher, lower) / ways)};
}

static void ranks_are_counted_exactly_with_ties_and_without(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct ct_values old = {.count = 1 + (guint)(6 * next_random(&random))};
        struct ct_values new = {.count = 1 + (guint)(6 * next_random(&random))};
        double steps = round % 3 == 0 ? 3 : round % 3 == 1 ? 8 : 1e6;

        for (guint i = 0; i < old.count; i++)
            old.values[i] = floor(steps * next_random(&random));
        for (guint i = 0; i < new.count; i++)
            new.values[i] = floor(steps * next_random(&random));
        struct ct_rank_test test = ct_rank_test(&old, &new);
        struct ct_rank_test counted = brute_force(&old, &new);

        assert_near(test.p_higher, counted.p_higher);
        assert_near(test.p_lower, counted.p_lower);
        assert_near(test.p, counted.p);
    }
}

/* The largest U of the smaller kind for which both sides differ at five percent: as tables of the
 * test have it, for both sides equal in number; 0 where even U = 0 does not prove anything. */
static const struct {
    guint count;
    int critical;
} published[] = {{3, -1}, {4, 0},   {5, 2},   {6, 5},   {7, 8},   {8, 13},
                 {9, 17}, {10, 23}, {12, 37}, {15, 64}, {20, 127}};

/* Samples of which exactly `u` pairs stand the other way. */
static void make_pairs(guint count, guint u, struct ct_values *old, struct ct_values *new)
{
    old->count = new->count = count;
    for (guint i = 0; i < count; i++)
        old->values[i] = 2 * i;
    for (guint j = 0; j < count; j++) {
        guint below = MIN(u, count);

        new->values[j] = 2.0 * (count - below) - 1 + (double)j / 1000;
        u -= below;
    }
}

static void critical_values_are_those_of_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(published); i++) {
        struct ct_values old, new;

        for (int u = 0; u <= published[i].critical + 1; u++) {
            make_pairs(published[i].count, (guint)u, &old, &new);
            assert_int_equal(ct_rank_test(&old, &new).p <= CT_ALPHA, u <= published[i].critical);
        }
    }
}

static void the_least_p_is_that_of_sides_apart(void **state)
{
    (void)state;
    for (guint old_count = 1; old_count <= 8; old_count++) {
        for (guint new_count = 1; new_count <= 8; new_count++) {
            struct ct_values old = {.count = old_count}, new = {.count = new_count};

            for (guint i = 0; i < old_count; i++)
                old.values[i] = i;
            for (guint i = 0; i < new_count; i++)
                new.values[i] = 100 + i;
            struct ct_rank_test test = ct_rank_test(&old, &new);

            assert_near(ct_rank_test_least(old_count, new_count, FALSE), test.p);
            assert_near(ct_rank_test_least(old_count, new_count, TRUE), test.p_higher);
        }
    }
    assert_near(ct_rank_test_least(1, 1, FALSE), 1);
    assert_near(ct_rank_test_least(5, 5, FALSE), 2.0 / 252);
}

static void forty_runs_a_side_are_counted(void **state)
{
    struct ct_values old = {.count = 40}, new = {.count = 40};

    (void)state;
    for (guint i = 0; i < 40; i++) {
        old.values[i] = i;
        new.values[i] = i;
    }
    struct ct_rank_test alike = ct_rank_test(&old, &new);

    assert_near(alike.p, 1);
    assert_near(alike.p_higher, alike.p_lower);
    for (guint i = 0; i < 40; i++)
        new.values[i] = 40 + i;
    struct ct_rank_test apart = ct_rank_test(&old, &new);

    assert_near(apart.p_higher,
                1 / 107507208733336176461620.0); /* of so many ways to choose 40 of 80 */
}

/* ---- How much ---- */

static void a_shift_is_the_median_of_all_differences(void **state)
{
    struct ct_values old = sample_of(5, (const double[]){1, 2, 3, 4, 5});
    struct ct_values new = sample_of(5, (const double[]){11.1, 12.2, 13.3, 14.4, 15.5});
    struct ct_shift shift = ct_shift_estimate(&old, &new);

    (void)state;
    assert_near(shift.estimate, 10.3);
    assert_true(shift.has_interval);
    /* U is 2 at most in 2.5 percent of all divisions: the third of the 25 from either end. */
    assert_near(shift.low, 7.2);
    assert_near(shift.high, 13.4);
}

static void three_runs_a_side_have_no_interval(void **state)
{
    struct ct_values old = sample_of(3, (const double[]){1, 2, 3});
    struct ct_values new = sample_of(3, (const double[]){11, 12, 13});
    struct ct_shift shift = ct_shift_estimate(&old, &new);

    (void)state;
    assert_near(shift.estimate, 10);
    assert_false(shift.has_interval);
}

/* It leaves out what the test proves wrong, and nothing else. */
static void an_interval_has_the_shifts_that_the_test_lets_stand(void **state)
{
    uint64_t random = 7;

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct ct_values old = {.count = 4 + (guint)(5 * next_random(&random))};
        struct ct_values new = {.count = 4 + (guint)(5 * next_random(&random))};

        for (guint i = 0; i < old.count; i++)
            old.values[i] = next_random(&random);
        for (guint i = 0; i < new.count; i++)
            new.values[i] = next_random(&random);
        struct ct_shift shift = ct_shift_estimate(&old, &new);

        assert_true(shift.has_interval);
        for (int step = 0; step < 40; step++) {
            double moved = 3 * next_random(&random) - 1.5;
            struct ct_values back = new;

            for (guint i = 0; i < back.count; i++)
                back.values[i] -= moved;
            assert_int_equal(moved >= shift.low && moved <= shift.high,
                             ct_rank_test(&old, &back).p > CT_ALPHA);
        }
    }
}

static void signs_are_counted_as_coins_are(void **state)
{
    struct ct_values sample = sample_of(5, (const double[]){2, 3, 4, 5, 6});

    (void)state;
    assert_near(ct_sign_test(&sample, 1, TRUE), 1.0 / 32);
    assert_near(ct_sign_test(&sample, 2.5, TRUE), 6.0 / 32);
    assert_near(ct_sign_test(&sample, 9, TRUE), 1);
    assert_near(ct_sign_test(&sample, 9, FALSE), 1.0 / 32);
}

/* ---- Many at once ---- */

static void holm_goes_down_until_one_is_not_proven(void **state)
{
    const double p[] = {0.01, 0.04, 0.03, 0.005}, weights[] = {1, 1, 1, 1};
    gboolean is_proven[4];

    (void)state;
    ct_holm(p, weights, 4, is_proven); /* 0.005 * 4, 0.01 * 3, and not 0.03 * 2 */
    assert_true(is_proven[3] && is_proven[0]);
    assert_false(is_proven[2] || is_proven[1]);
}

static void what_weighs_more_needs_less_proof(void **state)
{
    const double p[] = {0.03, 0.0001, 0.03}, weights[] = {7, 0, 3};
    gboolean is_proven[3];

    (void)state;
    ct_holm(p, weights, 3, is_proven); /* 0.05 * 0.7, and then all of 0.05; of no weight, never */
    assert_true(is_proven[0] && is_proven[2]);
    assert_false(is_proven[1]);
}

/* ---- Of a program and itself ---- */

enum { ROWS = 12, RUNS = 10, SIDE = 5 };

/* Over every way to divide ten runs into two sides, one in twenty has an alarm at most. */
static void all_divisions_of_the_same_runs_alarm_seldom(void **state)
{
    uint64_t random = 3;

    (void)state;
    for (int round = 0; round < 20; round++) {
        double values[ROWS][RUNS], weights[ROWS];
        guint divisions = 0, alarms = 0;

        for (guint row = 0; row < ROWS; row++) {
            double sum = 0;

            for (guint run = 0; run < RUNS; run++)
                sum += values[row][run] = (row + 1) * (1 + 0.3 * next_random(&random));
            weights[row] = sqrt(sum);
        }
        for (uint32_t chosen = 0; chosen < 1U << RUNS; chosen++) {
            double p[ROWS];
            gboolean is_proven[ROWS], is_alarm = FALSE;

            if (__builtin_popcount(chosen) != SIDE)
                continue;
            for (guint row = 0; row < ROWS; row++) {
                struct ct_values sides[2] = {0};

                for (guint run = 0; run < RUNS; run++) {
                    struct ct_values *side = &sides[chosen >> run & 1];

                    side->values[side->count++] = values[row][run];
                }
                p[row] = ct_rank_test(&sides[0], &sides[1]).p;
            }
            ct_holm(p, weights, ROWS, is_proven);
            for (guint row = 0; row < ROWS; row++)
                is_alarm |= is_proven[row];
            divisions++;
            alarms += is_alarm;
        }
        assert_int_equal(divisions, 252);
        assert_true(alarms <= CT_ALPHA * divisions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_counted_exactly_with_ties_and_without),
        cmocka_unit_test(critical_values_are_those_of_tables),
        cmocka_unit_test(the_least_p_is_that_of_sides_apart),
        cmocka_unit_test(forty_runs_a_side_are_counted),
        cmocka_unit_test(a_shift_is_the_median_of_all_differences),
        cmocka_unit_test(three_runs_a_side_have_no_interval),
        cmocka_unit_test(an_interval_has_the_shifts_that_the_test_lets_stand),
        cmocka_unit_test(signs_are_counted_as_coins_are),
        cmocka_unit_test(holm_goes_down_until_one_is_not_proven),
        cmocka_unit_test(what_weighs_more_needs_less_proof),
        cmocka_unit_test(all_divisions_of_the_same_runs_alarm_seldom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
