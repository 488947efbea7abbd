/* What every thread does at one moment, and all waits together. */
#include "image_fixture.h"
#include "summary/profile.h"
#include "timeline_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN FIXTURE_BEGIN_NS

static const struct ct_selection everybody;

struct fixture {
    struct ct_model *model;
    struct ct_thread *threads[3];
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    const uint64_t addresses[] = {0x1010, 0x1020};

    fixture->model = fixture_model("shop", 10 * FIXTURE_S);
    struct ct_process *process = fixture_process(fixture->model, 100, "shop");

    for (int i = 0; i < 3; i++)
        fixture->threads[i] = fixture_thread(fixture->model, process, 200 + i, "worker");
    fixture_add_stack(process, 1, addresses, G_N_ELEMENTS(addresses));
    fixture_add_stack(process, 2, addresses, 1);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_model_free(fixture->model);
    g_free(fixture);
    return 0;
}

static void send(struct ct_profile *profile, struct ct_thread *thread, enum ct_class class,
                 uint64_t begin_ns, uint64_t end_ns, gboolean is_open)
{
    struct ct_sink sink = ct_profile_sink(profile);
    struct ct_interval wait = fixture_wait(thread, CT_OP_MUTEX_LOCK, class, begin_ns, end_ns);

    wait.stack_id = 1;
    wait.is_open = is_open;
    sink.on_interval(sink.user, &wait);
}

static void send_sample(struct ct_profile *profile, struct ct_thread *thread, uint64_t time_ns,
                        uint32_t stack_id)
{
    struct ct_sink sink = ct_profile_sink(profile);
    const struct ct_sample sample = {.thread = thread,
                                     .time_ns = BEGIN + time_ns,
                                     .period_ns = FIXTURE_MS,
                                     .stack_id = stack_id};

    sink.on_sample(sink.user, &sample);
}

/* NULL: it is not told of. */
static const struct ct_profile_sample *of(const GArray *samples, const struct ct_thread *thread)
{
    const struct ct_profile_sample *found = NULL;

    for (guint i = 0; i < samples->len; i++) {
        const struct ct_profile_sample *sample =
            &g_array_index(samples, struct ct_profile_sample, i);

        if (sample->thread == thread) {
            assert_null(found); /* one each */
            assert_int_equal(sample->count, 1);
            found = sample;
        }
    }
    return found;
}

static void at_the_end_each_thread_waits_or_runs(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_profile_limits limits = {.end_ns = UINT64_MAX};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_THREADS, &limits);

    send(profile, fixture->threads[0], CT_CLASS_SYNC, FIXTURE_S, 2 * FIXTURE_S, FALSE);
    send_sample(profile, fixture->threads[1], FIXTURE_S, 1);
    send_sample(profile, fixture->threads[1], 3 * FIXTURE_S, 2);
    send(profile, fixture->threads[0], CT_CLASS_NET, 4 * FIXTURE_S, 10 * FIXTURE_S, TRUE);
    g_autoptr(GArray) samples = ct_profile_samples(profile, fixture->model, &everybody);

    assert_int_equal(samples->len, 3);
    assert_int_equal(of(samples, fixture->threads[0])->state, CT_CLASS_NET);
    assert_int_equal(of(samples, fixture->threads[0])->delay_ns, 6 * FIXTURE_S);
    assert_int_equal(of(samples, fixture->threads[1])->state, CT_CLASS_RUNNING);
    assert_int_equal(of(samples, fixture->threads[1])->stack_id, 2);
    assert_null(of(samples, fixture->threads[2])->stack);
}

static void at_another_moment_it_is_what_they_did_then(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_profile_limits limits = {.end_ns = BEGIN + 3 * FIXTURE_S / 2};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_THREADS, &limits);

    fixture->threads[1]->has_exited = TRUE;
    fixture->threads[1]->end_ns = BEGIN + FIXTURE_S;
    fixture->threads[2]->start_ns = BEGIN + 2 * FIXTURE_S;
    send(profile, fixture->threads[0], CT_CLASS_SYNC, FIXTURE_S, 2 * FIXTURE_S, FALSE);
    send(profile, fixture->threads[0], CT_CLASS_NET, 4 * FIXTURE_S, 10 * FIXTURE_S, TRUE);
    g_autoptr(GArray) samples = ct_profile_samples(profile, fixture->model, &everybody);

    assert_int_equal(samples->len, 1);
    assert_int_equal(of(samples, fixture->threads[0])->state, CT_CLASS_SYNC);
    assert_int_equal(of(samples, fixture->threads[0])->delay_ns, FIXTURE_S / 2);
}

/* What the kernel tells of a wait comes in parts. */
static void of_a_wait_in_parts_the_last_one_counts(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_profile_limits limits = {.end_ns = UINT64_MAX};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_THREADS, &limits);
    struct ct_sink sink = ct_profile_sink(profile);
    struct ct_interval part = fixture_wait(fixture->threads[0], CT_OP_MUTEX_LOCK, CT_CLASS_SYNC,
                                           FIXTURE_S, 5 * FIXTURE_S);

    part.is_open = TRUE;
    sink.on_interval(sink.user, &part);
    part.class = CT_CLASS_RUNNABLE;
    part.begin_ns = BEGIN + 5 * FIXTURE_S;
    part.end_ns = BEGIN + 10 * FIXTURE_S;
    sink.on_interval(sink.user, &part);
    g_autoptr(GArray) samples = ct_profile_samples(profile, fixture->model, &everybody);

    assert_int_equal(of(samples, fixture->threads[0])->state, CT_CLASS_RUNNABLE);
    assert_int_equal(of(samples, fixture->threads[0])->delay_ns, 9 * FIXTURE_S);
}

static void who_waits_for_what_is_not_asked_for_does_not_run(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_selection selection = {.min_ns = FIXTURE_S};
    g_autoptr(ct_filter) filter = ct_filter_new(&selection, NULL, NULL);
    const struct ct_profile_limits limits = {.end_ns = UINT64_MAX, .filter = filter};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_THREADS, &limits);

    send(profile, fixture->threads[0], CT_CLASS_SYNC, 10 * FIXTURE_S - 1, 10 * FIXTURE_S, TRUE);
    send(profile, fixture->threads[1], CT_CLASS_SYNC, 0, 10 * FIXTURE_S, TRUE);
    g_autoptr(GArray) samples = ct_profile_samples(profile, fixture->model, &everybody);

    assert_null(of(samples, fixture->threads[0]));
    assert_non_null(of(samples, fixture->threads[1]));
}

static void all_waits_are_those_of_every_class(void **state)
{
    static const enum ct_class classes[] = {CT_CLASS_NET,   CT_CLASS_SYNC,     CT_CLASS_SYSCALL,
                                            CT_CLASS_SLEEP, CT_CLASS_RUNNABLE, CT_CLASS_OTHER};
    const struct fixture *fixture = *state;
    const struct ct_profile_limits limits = {.end_ns = UINT64_MAX};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_BLOCK, &limits);
    int64_t sum_ns = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        send(profile, fixture->threads[0], classes[i], i * FIXTURE_S, i * FIXTURE_S + FIXTURE_MS,
             FALSE);
    g_autoptr(GArray) samples = ct_profile_samples(profile, fixture->model, &everybody);

    for (guint i = 0; i < samples->len; i++)
        sum_ns += g_array_index(samples, struct ct_profile_sample, i).delay_ns;
    assert_int_equal(sum_ns, 5 * FIXTURE_MS); /* in line for a CPU is none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(at_the_end_each_thread_waits_or_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(at_another_moment_it_is_what_they_did_then, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_a_wait_in_parts_the_last_one_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_for_what_is_not_asked_for_does_not_run, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_waits_are_those_of_every_class, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("moment", tests, NULL, NULL);
}
