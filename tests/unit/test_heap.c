/* Samples of blocks: how far they are apart, and what they stand for. */
#include "model/heap.h"
#include "preload/heap_hooks/exponential.h"
#include "summary/heap_profile.h"
#include "summary/heap_series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t state = 1;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static void logarithms_are_exact(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t random = next_random() >> next_random() % 40;
        double exact = -log2((double)(random | 1) / 0x1p64);

        assert_true(fabs((double)ct_minus_log2(random) / 0x1p32 - exact) < 1e-6);
    }
    assert_int_equal(ct_exponential(UINT64_MAX, 524288), 0);
    assert_int_equal(ct_exponential(0, 0), 0);
}

/* A gap is less than S with P = 1 - exp(-S / R): the share of such gaps among many. */
static void blocks_are_taken_with_their_probability(void **unused)
{
    static const uint64_t sizes[] = {1, 100, 65536, 524288, 2000000};
    const unsigned count = 400000;
    const uint64_t rate = 524288;

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        double chance = -expm1(-(double)sizes[i] / (double)rate);
        unsigned taken = 0;

        for (unsigned k = 0; k < count; k++)
            taken += ct_exponential(next_random(), rate) < sizes[i];
        double deviation = sqrt(count * chance * (1 - chance));
        assert_true(fabs(taken - count * chance) < 5 * deviation + 3);
    }
}

/* Where sizes mix, each weighs by itself. */
static void samples_stand_for_what_was_not_taken(void **unused)
{
    const uint64_t rate = 4096;
    struct ct_heap_site sites[] = {{.size = 16, .rate = rate}, {.size = 10000, .rate = rate}};
    const unsigned counts[] = {200000, 300};
    struct ct_heap_amount amount = {0};
    double blocks = 0, bytes = 0;

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(sites); i++) {
        uint64_t taken = 0;

        for (unsigned k = 0; k < counts[i]; k++)
            taken += ct_exponential(next_random(), rate) < sites[i].size;
        ct_heap_amount_add(&amount, &sites[i], taken);
        blocks += counts[i];
        bytes += counts[i] * (double)sites[i].size;
    }
    assert_true(fabs(amount.bytes - bytes) < 5 * ct_heap_amount_error(&amount));
    assert_true(fabs(amount.blocks - blocks) < 0.2 * blocks);
}

static void weights_without_floating_point_are_the_same(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 100000; i++) {
        const struct ct_heap_site site = {.size = 1 + (next_random() >> (24 + next_random() % 40)),
                                          .rate = 1 + (next_random() >> (24 + next_random() % 40))};
        double exact = ct_heap_site_weight(&site) * (double)site.size;
        double told = (double)ct_weighted_bytes(site.size, site.rate);

        assert_true(fabs(told - exact) < 1 + exact * 1e-4);
    }
    assert_int_equal(ct_weighted_bytes(100, 0), 100);
}

static void all_blocks_stand_for_themselves(void **unused)
{
    const struct ct_heap_site site = {.size = 100, .rate = 0}, empty = {.size = 0, .rate = 512};
    struct ct_heap_amount amount = {0};

    (void)unused;
    ct_heap_amount_add(&amount, &site, 7);
    assert_true(amount.blocks == 7 && amount.bytes == 700 && ct_heap_amount_error(&amount) == 0);
    assert_true(ct_heap_site_weight(&empty) > 512 && ct_heap_site_weight(&empty) < 513);
}

/* ---- What was live when. ---- */

static gboolean grows(double half, double three, double end, double error)
{
    const struct ct_heap_amount amounts[] = {{.bytes = half, .variance = error * error},
                                             {.bytes = three, .variance = error * error},
                                             {.bytes = end, .variance = error * error}};

    return ct_heap_grows(&amounts[0], &amounts[1], &amounts[2]);
}

static void what_grows_to_the_end_is_told_from_what_does_not(void **unused)
{
    (void)unused;
    assert_true(grows(500, 750, 1000, 0));
    assert_true(grows(9500, 10000, 10700, 0)); /* beside what was there before */
    assert_false(grows(1000, 1000, 1000, 0));  /* made at the start */
    assert_false(grows(500, 1000, 1000, 0));   /* full */
    assert_false(grows(500, 500, 1000, 0));    /* all at once, at the end */
    assert_false(grows(1000, 900, 800, 0));
    assert_false(grows(0, 0, 0, 0));
    assert_false(grows(500, 750, 1000, 300)); /* by chance, it may be */
    assert_true(grows(500, 750, 1000, 50));
}

static void the_nearest_moment_is_taken(void **unused)
{
    struct ct_heap heap = {.moment_count = 3, .moments_ns = {1100, 1200, 1300}};
    const struct ct_process process = {.start_ns = 1000, .end_ns = 1400, .heap = &heap};
    const struct ct_heap_site site = {.live = 9, .moments_live = {3, 5, 7}};
    int half, three;

    (void)unused;
    assert_int_equal(ct_heap_moment_near(&process, 0), CT_HEAP_AT_BEGIN);
    assert_int_equal(ct_heap_moment_near(&process, 1190), 1);
    assert_int_equal(ct_heap_moment_near(&process, UINT64_MAX), CT_HEAP_AT_END);
    assert_int_equal(ct_heap_live_at(&site, CT_HEAP_AT_BEGIN), 0);
    assert_int_equal(ct_heap_live_at(&site, 1), 5);
    assert_int_equal(ct_heap_live_at(&site, CT_HEAP_AT_END), 9);
    assert_true(ct_heap_find_quarters(&process, CT_HEAP_AT_END, &half, &three));
    assert_true(half == 1 && three == 2);
    heap.moment_count = 1; /* it was not looked at often enough */
    assert_false(ct_heap_find_quarters(&process, CT_HEAP_AT_END, &half, &three));
}

static void what_was_live_before_all_was_given_back_is_told(void **unused)
{
    struct ct_heap *heap = ct_heap_new();
    const struct ct_process process = {.start_ns = 1000, .end_ns = 1400, .heap = heap};
    const struct ct_heap_site left = {.size = 10, .live = 6, .moments_live = {3, 10}};
    const struct ct_heap_site gone = {.size = 10, .live = 0, .moments_live = {3, 10}};

    (void)unused;
    g_array_append_val(heap->sites, left);
    assert_int_equal(ct_heap_last_moment(&process), CT_HEAP_AT_END); /* nobody looked */
    heap->moment_count = 2;
    heap->moments_ns[0] = 1100;
    heap->moments_ns[1] = 1300;
    assert_int_equal(ct_heap_last_moment(&process), CT_HEAP_AT_END);
    g_array_append_val(heap->sites, gone);
    assert_int_equal(ct_heap_last_moment(&process), 1);
    ct_heap_free(heap);
}

/* ---- What is said of them. ---- */

static void heaps_out_of_reach_are_named_once(void **unused)
{
    g_autoptr(ct_model) model = ct_model_new();
    const struct ct_selection everybody = {0};

    (void)unused;
    for (int i = 0; i < 6; i++) {
        struct ct_process *process = ct_model_add_process(model, 10 + i, (uint64_t)i, 0);

        process->heap = ct_heap_new();
        process->heap->rate = i < 4 ? 512 : CT_HEAP_UNREACHED;
    }
    g_autoptr(GPtrArray) notes = ct_heap_notes(model, &everybody);

    assert_int_equal(notes->len, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithms_are_exact),
        cmocka_unit_test(blocks_are_taken_with_their_probability),
        cmocka_unit_test(samples_stand_for_what_was_not_taken),
        cmocka_unit_test(weights_without_floating_point_are_the_same),
        cmocka_unit_test(all_blocks_stand_for_themselves),
        cmocka_unit_test(what_grows_to_the_end_is_told_from_what_does_not),
        cmocka_unit_test(the_nearest_moment_is_taken),
        cmocka_unit_test(what_was_live_before_all_was_given_back_is_told),
        cmocka_unit_test(heaps_out_of_reach_are_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
