/* A replay of what has not changed takes as long as it did; of what has, as long as it must. */
#include "passes/replay.h"
#include "path_fixture.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Thread `tid` runs so many times as long, or waits so in calls that nobody ended. */
struct change {
    int32_t tid;
    double running;
    double waiting;
};

static double scale_run(void *user, const struct ct_replay_run *run)
{
    const struct change *change = user;

    assert_true(run->begin_ns < run->end_ns);
    return run->thread->tid == change->tid ? change->running : 1;
}

static double scale_wait(void *user, const struct ct_interval *wait)
{
    const struct change *change = user;

    return wait->thread->tid == change->tid ? change->waiting : 1;
}

static uint64_t replay(struct ct_path_question question, const struct change *change)
{
    const struct ct_replay_change told = {(void *)change, change != NULL, change ? scale_run : NULL,
                                          change ? scale_wait : NULL};
    uint64_t length_ns = 0;

    assert_true(ct_replay(&question, &told, &length_ns, NULL));
    return length_ns;
}

static uint64_t replay_first(const struct path_fixture *fixture, const struct change *change)
{
    const struct ct_path_question question = {
        fixture->store, fixture->loaded, path_fixture_find(fixture->loaded, 1), fixture->window};

    assert_int_equal(replay(question, NULL), question.window.end_ns - question.window.begin_ns);
    return replay(question, change);
}

static void what_has_not_changed_takes_as_long(void **state)
{
    const struct change same = {0, 1, 1};

    (void)state;
    for (guint32 seed = 1; seed <= 12; seed++) {
        struct store_fixture random;

        store_fixture_init(&random, seed, 10, 60);
        for (guint i = 0; i < random.loaded->threads->len; i++) {
            struct ct_thread *thread = random.loaded->threads->pdata[i];
            uint64_t end_ns = thread->end_ns;
            uint64_t begin_ns = random.loaded->begin_ns;

            if (i % 2 == 1)
                begin_ns += (end_ns - MIN(begin_ns, end_ns)) / 3;
            if (begin_ns >= end_ns || thread->start_ns >= end_ns)
                continue;
            const struct ct_path_question question = {
                random.store, random.loaded, thread, {begin_ns, end_ns}};

            assert_int_equal(replay(question, NULL), end_ns - begin_ns);
            assert_int_equal(replay(question, &same), end_ns - begin_ns);
        }
        store_fixture_clear(&random);
    }
}

static void who_is_waited_for_is_faster(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {2, 0.5, 1};

    path_fixture_add_woken(fixture, 1, 2000, 6100, 2, 6000);
    path_fixture_finish(fixture);
    /* 2,500 and 100 on its way, and 2,900 as before. */
    assert_int_equal(replay_first(fixture, &change), 5500);
}

static void who_is_let_go_on_earlier_than_it_comes_does_not_wait(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {2, 0, 1};

    path_fixture_add_woken(fixture, 1, 4000, 6000, 2, 6000);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 8000 - 2000);
}

static void what_goes_over_several_threads_is_as_long_as_its_parts(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {3, 0.5, 1};

    path_fixture_add_woken(fixture, 2, 1000, 4000, 3, 4000);
    path_fixture_add_woken(fixture, 1, 1000, 6000, 2, 6000);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 1500 + 2000 + 3000);
}

static void another_chain_may_become_the_longest(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {2, 0.1, 1};

    path_fixture_add_woken(fixture, 1, 1500, 3000, 3, 3000);
    path_fixture_add_woken(fixture, 1, 3000, 6000, 2, 6000);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 2000 + 3000);
}

static void what_nobody_ended_takes_what_it_takes(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {1, 1, 0.25};

    path_fixture_add(fixture, 1, CT_OP_READ, 2000, 6000);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 4000 + 1000);
}

static void a_wait_that_is_gone_takes_no_time(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {1, 1, 0};

    path_fixture_add_woken(fixture, 1, 2000, 6000, 2, 5900);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 4000);
}

static void a_thread_is_joined_when_it_ends_and_begins_when_it_is_created(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_thread *worker = path_fixture_thread(fixture, 2);
    struct ct_interval join = path_fixture_interval(fixture, 1, CT_OP_THREAD_JOIN, 4000, 8000);
    const struct change worker_is_faster = {2, 0.5, 1}, creator_is_faster = {1, 0.5, 1};

    worker->start_ns = 3000;
    worker->end_ns = 7800;
    worker->has_exited = TRUE;
    worker->creator_tid = 1;
    join.object = 2;
    path_fixture_tell(fixture, &join);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &worker_is_faster),
                     3000 + (4800 / 2 - 1000) + 200 + 1000);
    assert_int_equal(replay_first(fixture, &creator_is_faster), 1000 + 4800 + 200 + 500);
}

static void who_lets_go_in_a_wait_does_so_as_soon(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {2, 0.5, 1};

    path_fixture_add_woken(fixture, 1, 2000, 5000, 2, 4100);
    path_fixture_add_woken(fixture, 2, 4000, 8500, 3, 8400);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 1500 + 100 + 900 + 4000);
}

/* Who is created begins while the creator waits for it already: that must not stop it. */
static void a_thread_may_begin_in_its_creators_wait(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_thread *worker = path_fixture_thread(fixture, 2);
    struct ct_interval join = path_fixture_interval(fixture, 1, CT_OP_THREAD_JOIN, 2000, 8000);
    const struct change change = {2, 0.5, 1};

    worker->start_ns = 2500;
    worker->end_ns = 7900;
    worker->has_exited = TRUE;
    worker->creator_tid = 1;
    join.object = 2;
    path_fixture_tell(fixture, &join);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 1500 + 5400 / 2 + 100 + 1000);
}

/* As one does who lets go of a lock by waiting for a condition: others need that to go on. */
static void who_waits_has_let_go_before(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {2, 0.5, 1};

    path_fixture_add_woken(fixture, 1, 3000, 8000, 2, 7000);
    path_fixture_add_woken(fixture, 2, 1500, 3100, 1, 3050);
    path_fixture_finish(fixture);
    assert_int_equal(replay_first(fixture, &change), 2050 + 50 + 3900 / 2 + 1000 + 1000);
}

/* Each waits for a wake of the other. */
static void a_contradiction_comes_to_its_end(void **state)
{
    struct path_fixture *fixture = *state;
    const struct change change = {2, 0.5, 1};

    path_fixture_add_woken(fixture, 1, 2000, 5000, 2, 4000);
    path_fixture_add_woken(fixture, 2, 2000, 5000, 1, 4000);
    path_fixture_finish(fixture);
    assert_true(replay_first(fixture, &change) <= 8000);
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, path_fixture_set_up, path_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_not_changed_takes_as_long),
        TEST(who_is_waited_for_is_faster),
        TEST(who_is_let_go_on_earlier_than_it_comes_does_not_wait),
        TEST(what_goes_over_several_threads_is_as_long_as_its_parts),
        TEST(another_chain_may_become_the_longest),
        TEST(what_nobody_ended_takes_what_it_takes),
        TEST(a_wait_that_is_gone_takes_no_time),
        TEST(a_thread_is_joined_when_it_ends_and_begins_when_it_is_created),
        TEST(who_lets_go_in_a_wait_does_so_as_soon),
        TEST(a_thread_may_begin_in_its_creators_wait),
        TEST(who_waits_has_let_go_before),
        TEST(a_contradiction_comes_to_its_end),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
