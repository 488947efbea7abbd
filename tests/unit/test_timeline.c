/* The reduction of waits to bins and kept waits: nothing is lost, and memory stays bounded. */
#include "model/life.h"
#include "timeline_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t binned_ns(const struct ct_timeline_thread *thread, enum ct_class class)
{
    uint64_t total_ns = 0;
    for (uint32_t i = 0; thread->bins.time_ns[class] && i < thread->bins.limit; i++)
        total_ns += thread->bins.time_ns[class][i];
    return total_ns;
}

static uint64_t kept_ns(const struct ct_timeline_thread *thread, enum ct_class class)
{
    uint64_t total_ns = 0;
    for (uint32_t i = 0; i < thread->wait_count; i++)
        if (thread->waits[i].class == class)
            total_ns += thread->waits[i].end_ns - thread->waits[i].begin_ns;
    return total_ns;
}

/* Numbers that look random and are the same in every run. */
static uint64_t next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Sends waits of growing length, so that the bins double again and again. */
static void send_growing(struct ct_timeline *timeline, struct ct_thread *thread,
                         const struct ct_window *window, uint64_t expected_ns[CT_CLASS_COUNT])
{
    uint64_t at_ns = 0, state = 1;
    for (int i = 0; i < 60000; i++) {
        uint64_t scale = 1 + (uint64_t)i * i / 50;
        uint64_t begin_ns = at_ns + next_number(&state) % scale;
        uint64_t end_ns = begin_ns + 1 + next_number(&state) % (2 * scale);
        enum ct_class class = CT_CLASS_NET + next_number(&state) % 4;
        struct ct_interval wait = fixture_wait(thread, CT_OP_READ, class, begin_ns, end_ns);
        fixture_send(timeline, wait);
        uint64_t inside_begin_ns = MAX(wait.begin_ns, window->begin_ns);
        uint64_t inside_end_ns = MIN(wait.end_ns, window->end_ns);
        if (inside_end_ns > inside_begin_ns)
            expected_ns[class] += inside_end_ns - inside_begin_ns;
        at_ns = end_ns;
    }
}

static void check_conservation(const struct ct_window *window)
{
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 1, "test"), 1, "test");
    struct ct_window all = {0, UINT64_MAX};
    struct ct_timeline *timeline = ct_timeline_new(window);
    uint64_t expected_ns[CT_CLASS_COUNT] = {0};
    send_growing(timeline, thread, window ? window : &all, expected_ns);
    ct_timeline_finish(timeline);

    const struct ct_timeline_thread *found = ct_timeline_find(timeline, thread);
    assert_non_null(found);
    assert_true(found->bins.shift > 5);
    for (int class = 0; class < CT_CLASS_COUNT; class ++) {
        assert_int_equal(found->wait_ns[class], expected_ns[class]);
        assert_int_equal(binned_ns(found, class) + kept_ns(found, class), expected_ns[class]);
    }
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void every_nanosecond_is_kept_through_doublings(void **state)
{
    (void)state;
    check_conservation(NULL);
}

static void every_nanosecond_inside_the_window_is_kept(void **state)
{
    (void)state;
    struct ct_window window = {FIXTURE_BEGIN_NS + 123457, FIXTURE_BEGIN_NS + 900000001};
    check_conservation(&window);
}

static void bins_stay_where_their_time_was(void **state)
{
    (void)state;
    struct ct_bins bins;
    ct_bins_init(&bins, 4);
    ct_bins_add(&bins, CT_CLASS_NET, 100, 101, 1);
    ct_bins_add(&bins, CT_CLASS_NET, 163, 164, 1);
    /* 64 ns in four bins: each 32 ns wide by now, since the first is aligned. */
    assert_int_equal(ct_bins_width_ns(&bins), 32);
    assert_int_equal(ct_bins_begin_ns(&bins, 0), 96);
    assert_int_equal(bins.time_ns[CT_CLASS_NET][0], 1);
    assert_int_equal(bins.time_ns[CT_CLASS_NET][2], 1);
    ct_bins_clear(&bins);
}

static void bins_grow_to_the_left(void **state)
{
    (void)state;
    struct ct_bins bins;
    ct_bins_init(&bins, 8);
    ct_bins_add(&bins, CT_CLASS_SYNC, 1000, 1004, 4);
    ct_bins_add(&bins, CT_CLASS_SYNC, 10, 20, 10);
    ct_bins_add(&bins, CT_CLASS_SYNC, 0, 1, 1);
    assert_int_equal(ct_bins_begin_ns(&bins, 0), 0);
    uint64_t total_ns = 0;
    for (uint32_t i = 0; i < bins.limit; i++)
        total_ns += bins.time_ns[CT_CLASS_SYNC][i];
    assert_int_equal(total_ns, 15);
    assert_int_equal(bins.time_ns[CT_CLASS_SYNC][0], 11);
    ct_bins_clear(&bins);
}

static void bins_hold_any_two_times(void **state)
{
    (void)state;
    struct ct_bins bins;
    ct_bins_init(&bins, 2);
    ct_bins_add(&bins, CT_CLASS_OTHER, 0, 1, 1);
    ct_bins_add(&bins, CT_CLASS_OTHER, UINT64_MAX - 1, UINT64_MAX, 1);
    assert_int_equal(bins.time_ns[CT_CLASS_OTHER][0], 1);
    assert_int_equal(bins.time_ns[CT_CLASS_OTHER][1], 1);
    ct_bins_clear(&bins);
}

static void the_longest_waits_are_kept_exactly(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 1, "test"), 1, "test");
    struct ct_timeline *timeline = ct_timeline_new(NULL);
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t duration_ns = i == 77 || i == 4321 ? 90000 : 100 + i % 13;
        fixture_send(timeline, fixture_wait(thread, CT_OP_READ, CT_CLASS_NET, i * 100000,
                                            i * 100000 + duration_ns));
    }
    ct_timeline_finish(timeline);
    const struct ct_timeline_thread *found = ct_timeline_find(timeline, thread);
    assert_true(found->wait_count < 5000);
    int long_count = 0;
    for (uint32_t i = 0; i < found->wait_count; i++) {
        long_count += found->waits[i].end_ns - found->waits[i].begin_ns == 90000;
        assert_true(i == 0 || found->waits[i - 1].begin_ns <= found->waits[i].begin_ns);
    }
    assert_int_equal(long_count, 2);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void sampled_waits_count_with_their_weight(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 1, "test"), 1, "test");
    struct ct_timeline *timeline = ct_timeline_new(NULL);
    struct ct_interval wait = fixture_wait(thread, CT_OP_READ, CT_CLASS_NET, 1000, 3000);
    wait.weight = 5;
    fixture_send(timeline, wait);
    const struct ct_timeline_thread *found = ct_timeline_find(timeline, thread);
    assert_int_equal(found->wait_ns[CT_CLASS_NET], 10000);
    assert_int_equal(kept_ns(found, CT_CLASS_NET), 2000);
    assert_int_equal(binned_ns(found, CT_CLASS_NET), 8000);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void nonsense_is_left_out(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 1, "test"), 1, "test");
    struct ct_timeline *timeline = ct_timeline_new(NULL);
    fixture_send(timeline, fixture_wait(thread, CT_OP_READ, CT_CLASS_NET, 500, 500));
    fixture_send(timeline, fixture_wait(thread, CT_OP_READ, CT_CLASS_NET, 900, 800));
    fixture_send(timeline, fixture_wait(thread, CT_OP_READ, (enum ct_class)77, 900, 1800));
    assert_null(ct_timeline_find(timeline, thread));
    assert_int_equal(ct_timeline_wait_count(timeline), 3);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

/* Runs of growing length that come in no order, so that the bins reach back and double. */
static void times_on_cpus_are_all_in_the_bins(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 1, "test"), 1, "test");
    struct ct_timeline *timeline = ct_timeline_new(NULL);
    uint64_t numbers = 1, expected_ns = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t begin_ns = (FIXTURE_S - i * 49000) & ~UINT64_C(1);
        uint64_t length_ns = 1 + next_number(&numbers) % (2 * i + 1);
        fixture_run(timeline, thread, begin_ns < FIXTURE_S / 2 ? 6 : 1, begin_ns,
                    begin_ns + length_ns);
        expected_ns += length_ns;
    }
    ct_timeline_finish(timeline);

    const struct ct_timeline_thread *found = ct_timeline_find(timeline, thread);
    assert_non_null(found);
    const struct ct_bins *cpus = &found->cpus;
    assert_true(cpus->shift > 5);
    assert_true(cpus->count > 1000 && cpus->count <= cpus->limit);
    double run_ns = 0;
    for (uint32_t i = 0; i < cpus->count; i++) {
        uint64_t begin_ns = (cpus->first + i) << cpus->shift;
        uint64_t end_ns = (cpus->first + i + 1) << cpus->shift;
        run_ns += cpus->cpus[i].run_ns;
        assert_true(cpus->cpus[i].run_ns <= (double)(end_ns - begin_ns));
        if (cpus->cpus[i].run_ns > 0 && end_ns < FIXTURE_BEGIN_NS + FIXTURE_S / 2)
            assert_int_equal(cpus->cpus[i].cpu, 6);
        if (cpus->cpus[i].run_ns > 0 && begin_ns > FIXTURE_BEGIN_NS + FIXTURE_S / 2 + 50000)
            assert_int_equal(cpus->cpus[i].cpu, 1);
    }
    assert_float_equal(run_ns, (double)expected_ns, 0.5);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void a_cpu_with_more_than_half_of_the_time_wins(void **state)
{
    (void)state;
    struct ct_cpu_vote vote = {0};
    static const struct ct_cpu_vote votes[] = {{10, 10, 3}, {24, 24, 1}, {9, 9, 2},
                                               {3, 3, 3},   {10, 10, 1}, {8, 8, 7}};
    for (size_t i = 0; i < G_N_ELEMENTS(votes); i++)
        ct_cpu_vote_add(&vote, &votes[i]);
    assert_int_equal(vote.cpu, 1);
    assert_float_equal(vote.run_ns, 64, 0);
    assert_true(vote.lead_ns > 0 && vote.lead_ns <= 34);
}

static void a_wait_is_known_beyond_the_window(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_process *process = fixture_process(model, 1, "test");
    struct ct_thread *thread = fixture_thread(model, process, 1, "test");
    struct ct_thread *other = fixture_thread(model, process, 2, "other");
    struct ct_window window = {FIXTURE_BEGIN_NS, FIXTURE_BEGIN_NS + 1000};
    struct ct_timeline *timeline = ct_timeline_new(&window);
    struct ct_interval wait = fixture_wait(thread, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, 100, 5000);
    wait.waker = other;
    wait.wake_ns = FIXTURE_BEGIN_NS + 4900;
    wait.is_open = TRUE;
    fixture_send(timeline, wait);
    const struct ct_timeline_thread *found = ct_timeline_find(timeline, thread);
    assert_int_equal(found->wait_count, 1);
    assert_ptr_equal(found->waits[0].waker, other);
    assert_int_equal(found->waits[0].whole.begin_ns, FIXTURE_BEGIN_NS + 100);
    assert_int_equal(found->waits[0].whole.end_ns, FIXTURE_BEGIN_NS + 5000);
    assert_int_equal(found->open.end_ns, FIXTURE_BEGIN_NS + 5000);
    assert_int_equal(found->waits[0].end_ns, window.end_ns);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void a_wait_that_never_returned_is_known_as_a_whole(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 1, "test"), 1, "test");
    struct ct_timeline *timeline = ct_timeline_new(NULL);
    struct ct_interval part = fixture_wait(thread, CT_OP_READ, CT_CLASS_NET, 0, 1000);
    part.is_open = TRUE;
    part.end_ns = FIXTURE_BEGIN_NS + 400;
    fixture_send(timeline, part);
    part.previous_end_ns = part.end_ns;
    part.begin_ns = FIXTURE_BEGIN_NS + 500;
    part.end_ns = FIXTURE_BEGIN_NS + 1000;
    fixture_send(timeline, part);
    ct_timeline_finish(timeline);
    const struct ct_timeline_thread *found = ct_timeline_find(timeline, thread);
    assert_int_equal(found->wait_count, 2);
    assert_int_equal(found->open.begin_ns, FIXTURE_BEGIN_NS);
    assert_int_equal(found->open.end_ns, FIXTURE_BEGIN_NS + 1000);
    assert_int_equal(found->wait_ns[CT_CLASS_NET], 900);
    assert_int_equal(ct_timeline_wait_count(timeline), 1);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void thousands_of_threads_share_the_memory(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_process *process = fixture_process(model, 1, "test");
    struct ct_timeline *timeline = ct_timeline_new(NULL);
    uint64_t bins = 0;
    for (int i = 0; i < 20000; i++) {
        struct ct_thread *thread = fixture_thread(model, process, i + 1, "worker");
        fixture_send(timeline, fixture_wait(thread, CT_OP_READ, CT_CLASS_NET, 0, 1000));
        bins += ct_timeline_find(timeline, thread)->bins.limit;
    }
    /* In bytes, if every thread uses every class of wait. */
    assert_true(bins * sizeof(uint64_t) * (CT_CLASS_COUNT - 1) < UINT64_C(300) << 20);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void a_life_adds_up_whatever_its_waits_are_estimated_to_be(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 1, "test"), 1, "test");
    const struct ct_window half = {FIXTURE_BEGIN_NS + FIXTURE_S / 2, UINT64_MAX};
    uint64_t waited_ns[CT_CLASS_COUNT] = {[CT_CLASS_NET] = FIXTURE_S / 10};

    struct ct_life life = ct_life_inside(thread, &half, waited_ns);
    assert_int_equal(life.alive.begin_ns, half.begin_ns);
    assert_int_equal(life.alive.end_ns, FIXTURE_BEGIN_NS + FIXTURE_S);
    assert_int_equal(life.class_ns[CT_CLASS_NET], FIXTURE_S / 10);
    assert_int_equal(life.class_ns[CT_CLASS_RUNNING], FIXTURE_S * 4 / 10);

    waited_ns[CT_CLASS_SYNC] = FIXTURE_S * 9 / 10; /* twice as much as there is room for */
    life = ct_life_inside(thread, &half, waited_ns);
    assert_int_equal(life.class_ns[CT_CLASS_NET], FIXTURE_S / 20);
    assert_int_equal(life.class_ns[CT_CLASS_SYNC], FIXTURE_S * 9 / 20);
    assert_int_equal(life.class_ns[CT_CLASS_RUNNING], 0);

    life = ct_life_inside(thread, &half, NULL);
    assert_int_equal(life.class_ns[CT_CLASS_RUNNING], FIXTURE_S / 2);
    ct_model_free(model);
}

static void the_lives_are_without_what_the_recorder_took_before_and_after(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("test", FIXTURE_S);
    struct ct_window lives = ct_lives_extent(model);
    assert_int_equal(lives.begin_ns, model->begin_ns); /* there is nobody */
    assert_int_equal(lives.end_ns, model->end_ns);

    struct ct_process *process = fixture_process(model, 1, "test");
    struct ct_thread *first = fixture_thread(model, process, 1, "test");
    struct ct_thread *last = fixture_thread(model, process, 2, "test");
    first->start_ns += FIXTURE_MS;
    first->end_ns -= 5 * FIXTURE_MS;
    last->start_ns += 2 * FIXTURE_MS;
    last->end_ns -= 3 * FIXTURE_MS;
    lives = ct_lives_extent(model);
    assert_int_equal(lives.begin_ns, model->begin_ns + FIXTURE_MS);
    assert_int_equal(lives.end_ns, model->end_ns - 3 * FIXTURE_MS);
    ct_model_free(model);
}

/* However many there are: the longest as they were, all others in sum. */
static void times_on_cpus_are_kept_or_summed(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("./app", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 7, "app"), 7, "main");
    struct ct_timeline *timeline = ct_timeline_new(NULL);
    uint64_t expected_ns = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t length_ns = 100 + i * 7919 % 1000;
        fixture_run(timeline, thread, 3, i * 2000, i * 2000 + length_ns);
        expected_ns += length_ns;
    }
    fixture_run(timeline, thread, 1, 0, FIXTURE_MS);
    ct_timeline_finish(timeline);

    const GPtrArray *cpus = ct_timeline_cpus(timeline);
    assert_int_equal(cpus->len, 2);
    const struct ct_cpu *first = cpus->pdata[0], *second = cpus->pdata[1];
    assert_int_equal(first->cpu, 1);
    assert_int_equal(first->run_ns, FIXTURE_MS);
    assert_int_equal(second->cpu, 3);
    assert_int_equal(second->run_ns, expected_ns);
    uint64_t found_ns = 0;
    for (uint32_t i = 0; i < second->run_count; i++) {
        found_ns += second->runs[i].end_ns - second->runs[i].begin_ns;
        assert_true(i == 0 || second->runs[i].begin_ns > second->runs[i - 1].begin_ns);
    }
    assert_true(second->run_count < 20000);
    for (uint32_t i = 0; i < second->bins.limit; i++)
        found_ns += second->bins.time_ns[CT_CLASS_RUNNING][i];
    assert_int_equal(found_ns, expected_ns);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

static void times_on_cpus_are_cut_to_the_window(void **state)
{
    (void)state;
    struct ct_model *model = fixture_model("./app", FIXTURE_S);
    struct ct_thread *thread = fixture_thread(model, fixture_process(model, 7, "app"), 7, "main");
    struct ct_window window = {FIXTURE_BEGIN_NS + 100, FIXTURE_BEGIN_NS + 200};
    struct ct_timeline *timeline = ct_timeline_new(&window);
    fixture_run(timeline, thread, 0, 50, 150);
    fixture_run(timeline, thread, 0, 180, 900);
    fixture_run(timeline, thread, 1, 500, 900);
    ct_timeline_finish(timeline);
    assert_int_equal(ct_timeline_cpus(timeline)->len, 1);
    assert_int_equal(((struct ct_cpu *)ct_timeline_cpus(timeline)->pdata[0])->run_ns, 70);
    ct_timeline_free(timeline);
    ct_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_nanosecond_is_kept_through_doublings),
        cmocka_unit_test(every_nanosecond_inside_the_window_is_kept),
        cmocka_unit_test(bins_stay_where_their_time_was),
        cmocka_unit_test(bins_grow_to_the_left),
        cmocka_unit_test(bins_hold_any_two_times),
        cmocka_unit_test(the_longest_waits_are_kept_exactly),
        cmocka_unit_test(sampled_waits_count_with_their_weight),
        cmocka_unit_test(nonsense_is_left_out),
        cmocka_unit_test(times_on_cpus_are_all_in_the_bins),
        cmocka_unit_test(a_cpu_with_more_than_half_of_the_time_wins),
        cmocka_unit_test(a_wait_is_known_beyond_the_window),
        cmocka_unit_test(a_wait_that_never_returned_is_known_as_a_whole),
        cmocka_unit_test(a_life_adds_up_whatever_its_waits_are_estimated_to_be),
        cmocka_unit_test(the_lives_are_without_what_the_recorder_took_before_and_after),
        cmocka_unit_test(thousands_of_threads_share_the_memory),
        cmocka_unit_test(times_on_cpus_are_kept_or_summed),
        cmocka_unit_test(times_on_cpus_are_cut_to_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
