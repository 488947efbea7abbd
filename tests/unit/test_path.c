/* The chain that led to a moment: each moment before it goes to whoever was at work then. */
#include "passes/path.h"
#include "passes/path_lanes.h"
#include "path_fixture.h"
#include "store_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- What comes out ---- */

static void keep(void *user, const struct ct_path_stretch *stretch)
{
    g_array_append_vals(user, stretch, 1);
}

/* It is the window, without a hole: from the last one on. */
static void check_length(const GArray *found, const struct ct_window *window)
{
    uint64_t at_ns = window->end_ns;

    for (guint i = 0; i < found->len; i++) {
        const struct ct_path_stretch *stretch = &g_array_index(found, struct ct_path_stretch, i);

        assert_int_equal(stretch->end_ns, at_ns);
        assert_true(stretch->begin_ns < stretch->end_ns);
        at_ns = stretch->begin_ns;
    }
    assert_int_equal(at_ns, window->begin_ns);
}

static struct ct_path_question question_of(const struct path_fixture *fixture, int32_t tid)
{
    return (struct ct_path_question){fixture->store, fixture->loaded,
                                     path_fixture_find(fixture->loaded, tid), fixture->window};
}

static void walk(struct path_fixture *fixture, int32_t tid)
{
    const struct ct_path_question question = question_of(fixture, tid);

    g_array_set_size(fixture->found, 0);
    assert_true(ct_path_walk(&question, keep, fixture->found, NULL));
    check_length(fixture->found, &fixture->window);
}

/* One after the other: how long, who, or 0, what, why, and how it came there. */
struct expected {
    uint64_t ns;
    int32_t tid;
    enum ct_class class;
    enum ct_path_reason reason;
    enum ct_path_via via;
};

#define RUNS(ns, tid, via)                                                   \
    {                                                                        \
        ns, tid, CT_CLASS_RUNNING, CT_PATH_REASON_GOES_ON, CT_PATH_VIA_##via \
    }
#define IS(ns, tid, class, reason, via)                                       \
    {                                                                         \
        ns, tid, CT_CLASS_##class, CT_PATH_REASON_##reason, CT_PATH_VIA_##via \
    }

static void check_all(const struct path_fixture *fixture, const struct expected *expected,
                      guint count)
{
    assert_int_equal(fixture->found->len, count);
    for (guint i = 0; i < count; i++) {
        const struct ct_path_stretch *stretch =
            &g_array_index(fixture->found, struct ct_path_stretch, count - 1 - i);

        assert_int_equal(stretch->end_ns - stretch->begin_ns, expected[i].ns);
        assert_int_equal(stretch->thread ? stretch->thread->tid : 0, expected[i].tid);
        assert_int_equal(stretch->class, expected[i].class);
        assert_int_equal(stretch->reason, expected[i].reason);
        assert_int_equal(stretch->via, expected[i].via);
        assert_int_equal(stretch->before != NULL,
                         stretch->via != CT_PATH_VIA_ITSELF && stretch->via != CT_PATH_VIA_BEGIN);
    }
}

#define CHECK(fixture, ...)                           \
    do {                                              \
        const struct expected rows[] = {__VA_ARGS__}; \
                                                      \
        check_all(fixture, rows, G_N_ELEMENTS(rows)); \
    } while (0)

/* The one that ends at that time. */
static const struct ct_path_stretch *ending_at(const struct path_fixture *fixture, uint64_t end_ns)
{
    for (guint i = 0; i < fixture->found->len; i++) {
        const struct ct_path_stretch *stretch =
            &g_array_index(fixture->found, struct ct_path_stretch, i);

        if (stretch->end_ns == end_ns)
            return stretch;
    }
    fail();
    return NULL;
}

/* ---- Tests ---- */

static void who_runs_alone_is_the_path(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_add_woken(fixture, 2, 2000, 3000, 3, 2500);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(8000, 1, BEGIN));
}

static void a_wait_leads_to_whoever_ended_it(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_add_woken(fixture, 1, 2000, 5000, 2, 4900);
    path_fixture_add_woken(fixture, 2, 1500, 4000, 3, 4000);
    path_fixture_add_woken(fixture, 1, 6000, 7000, 3, 6500);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    /* From 3, that ran all the time: what was before its last post does not matter. */
    CHECK(fixture, RUNS(5500, 3, BEGIN), IS(500, 1, SYNC, WOKEN, WAKE), RUNS(2000, 1, ITSELF));

    const struct ct_path_stretch *running = ending_at(fixture, 6500);
    const struct ct_path_stretch *woken = ending_at(fixture, 7000);

    assert_int_equal(running->place.op, CT_OP_SEM_POST);
    assert_int_equal(running->place.stack_id, 203);
    assert_int_equal(woken->place.op, CT_OP_SEM_WAIT);
    assert_int_equal(woken->before->tid, 3);
    assert_int_equal(woken->from.stack_id, 203);
}

static void a_chain_goes_over_all_of_its_threads(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_add_woken(fixture, 3, 1000, 2000, 4, 2000);
    path_fixture_add_woken(fixture, 2, 1000, 4000, 3, 3900);
    path_fixture_add_woken(fixture, 1, 1000, 6000, 2, 6000);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(1000, 4, BEGIN), RUNS(1900, 3, WAKE), IS(100, 2, SYNC, WOKEN, WAKE),
          RUNS(2000, 2, ITSELF), RUNS(3000, 1, WAKE));
}

static void the_time_to_get_a_cpu_is_told_apart(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_interval blocked = path_fixture_interval(fixture, 1, CT_OP_READ, 2000, 5000);

    blocked.wait_end_ns = 6000;
    path_fixture_wake(fixture, &blocked, 2, 5000, CT_OP_NONE);
    struct ct_interval queued = blocked;

    queued.begin_ns = 5000;
    queued.end_ns = 5800;
    queued.class = CT_CLASS_RUNNABLE;
    path_fixture_tell(fixture, &blocked);
    path_fixture_tell(fixture, &queued);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(4000, 2, BEGIN), IS(800, 1, RUNNABLE, GOES_ON, WAKE),
          RUNS(3200, 1, ITSELF));
}

/* A wake by the program that comes when the thread is on a CPU again, as seen by the kernel. */
static void a_late_word_of_a_wake_leads_there_all_the_same(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_interval blocked = path_fixture_interval(fixture, 1, CT_OP_SEM_WAIT, 2000, 5000);

    blocked.wait_end_ns = 6000;
    path_fixture_wake(fixture, &blocked, 2, 5500, CT_OP_SEM_POST);
    path_fixture_tell(fixture, &blocked);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(4000, 2, BEGIN), RUNS(4000, 1, WAKE));
}

static void what_others_did_not_end_stays(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_interval limited =
        path_fixture_interval(fixture, 1, CT_OP_COND_TIMEDWAIT, 2000, 3000);

    limited.result = -ETIMEDOUT;
    path_fixture_wake(fixture, &limited, 2, 2500, CT_OP_COND_SIGNAL);
    path_fixture_tell(fixture, &limited);
    path_fixture_add(fixture, 1, CT_OP_READ, 4000, 5000);
    path_fixture_add(fixture, 1, CT_OP_NANOSLEEP, 5000, 6000);
    path_fixture_add(fixture, 1, CT_OP_SEM_WAIT, 7000, 8000);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(1000, 1, BEGIN), IS(1000, 1, SYNC, TIMED, ITSELF), RUNS(1000, 1, ITSELF),
          IS(1000, 1, SYSCALL, OUTSIDE, ITSELF), IS(1000, 1, SLEEP, TIMED, ITSELF),
          RUNS(1000, 1, ITSELF), IS(1000, 1, SYNC, UNKNOWN, ITSELF), RUNS(1000, 1, ITSELF));
    assert_int_equal(ending_at(fixture, 2000)->place.op, CT_OP_COND_TIMEDWAIT);
}

static void a_join_leads_to_the_end_of_the_thread_and_that_to_its_creator(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_thread *worker = path_fixture_thread(fixture, 2);
    struct ct_interval join = path_fixture_interval(fixture, 1, CT_OP_THREAD_JOIN, 4000, 8000);

    worker->start_ns = 3000;
    worker->end_ns = 7700;
    worker->has_exited = TRUE;
    worker->creator_tid = 3;
    join.object = 2;
    path_fixture_tell(fixture, &join);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(2000, 3, BEGIN), RUNS(4700, 2, CREATE), IS(300, 1, SYNC, WOKEN, EXIT),
          RUNS(1000, 1, ITSELF));
}

static void a_child_that_was_waited_for_is_on_the_path(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_interval wait = path_fixture_interval(fixture, 1, CT_OP_WAITPID, 3000, 8000);
    struct ct_process *child = path_fixture_add_process(fixture, CHILD, PID);
    struct ct_thread *thread = ct_model_add_thread(fixture->model, child, CHILD, 2000, 0);

    child->start_ns = 2000;
    thread->end_ns = child->end_ns = 7900;
    child->exit_status = 0;
    thread->creator_tid = 1;
    wait.object = (uint64_t)INT64_C(-1);
    wait.result = CHILD;
    path_fixture_tell(fixture, &wait);
    path_fixture_add(fixture, CHILD, CT_OP_READ, 4000, 6000);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(1000, 1, BEGIN), RUNS(2000, CHILD, FORK),
          IS(2000, CHILD, SYSCALL, OUTSIDE, ITSELF), RUNS(1900, CHILD, ITSELF),
          IS(100, 1, SYSCALL, WOKEN, EXIT), RUNS(1000, 1, ITSELF));
}

static void a_program_that_was_executed_leads_to_who_executed_it(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_process *shell = path_fixture_add_process(fixture, CHILD, 99);
    struct ct_process *program;

    ct_model_add_thread(fixture->model, shell, CHILD, BEGIN, 0)->end_ns = 3000;
    shell->end_ns = 3000;
    program = path_fixture_add_process(fixture, CHILD, 99);
    program->start_ns = 3500;
    ct_model_add_thread(fixture->model, program, CHILD, 3500, 0)->end_ns = END;
    path_fixture_finish(fixture);

    struct ct_path_question question = {.store = fixture->store, .model = fixture->loaded};
    const char *const names[] = {"30", NULL};
    const struct ct_selection selection = {.processes = names};

    assert_true(ct_path_choose(&question, &selection, NULL, NULL));
    assert_int_equal(question.thread->start_ns, 3500);
    assert_true(ct_path_walk(&question, keep, fixture->found, NULL));
    CHECK(fixture, RUNS(2000, CHILD, BEGIN), IS(500, 0, UNKNOWN, NOBODY, EXEC),
          RUNS(5500, CHILD, ITSELF));
}

static void before_the_first_thread_there_is_nobody(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_thread(fixture, 1)->start_ns = 2500;
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, IS(1500, 0, UNKNOWN, NOBODY, BEGIN), RUNS(6500, 1, ITSELF));
}

/* Who waits for a condition lets go of a lock in that wait. */
static void who_let_go_in_a_wait_was_there_already(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_add_woken(fixture, 1, 2000, 5000, 2, 4100);
    path_fixture_add_woken(fixture, 2, 4000, 8500, 3, 8400);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(3000, 2, BEGIN), IS(100, 2, SYNC, AHEAD, ITSELF),
          IS(900, 1, SYNC, WOKEN, WAKE), RUNS(4000, 1, ITSELF));
}

static void a_lock_that_is_waited_for_at_the_end_leads_to_its_holder(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_add_lock_wait(fixture, 1, 0xb0, 3000, 2);
    path_fixture_add(fixture, 2, CT_OP_READ, 4000, 6000);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(3000, 2, BEGIN), IS(2000, 2, SYSCALL, OUTSIDE, ITSELF),
          RUNS(3000, 2, ITSELF));
}

static void a_deadlock_ends_in_one_of_its_waits(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_add_lock_wait(fixture, 1, 0xb0, 3000, 2);
    path_fixture_add_lock_wait(fixture, 2, 0xc0, 4000, 1);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    assert_int_equal(ending_at(fixture, END)->reason, CT_PATH_REASON_OPEN);
}

static void a_window_cuts_it_at_both_ends(void **state)
{
    struct path_fixture *fixture = *state;

    path_fixture_add_woken(fixture, 1, 2000, 5000, 2, 4900);
    path_fixture_add(fixture, 2, CT_OP_READ, 2500, 3500);
    fixture->window = (struct ct_window){3000, 4000};
    path_fixture_finish(fixture);
    walk(fixture, 1);
    /* What it waits for at the end is what the one does who will let it go on. */
    CHECK(fixture, IS(500, 2, SYSCALL, OUTSIDE, BEGIN), RUNS(500, 2, ITSELF));
    fixture->window = (struct ct_window){4950, 6000};
    walk(fixture, 1);
    CHECK(fixture, IS(50, 1, SYNC, WOKEN, BEGIN), RUNS(1000, 1, ITSELF));
}

static void samples_tell_where_it_ran(void **state)
{
    struct path_fixture *fixture = *state;

    fixture->model->capture.samples = 2;
    for (uint32_t i = 0; i < 2; i++) {
        const struct ct_sample sample = {.thread = path_fixture_thread(fixture, 1),
                                         .time_ns = 3000 + i * UINT64_C(2000),
                                         .period_ns = 2000,
                                         .stack_id = 7 + i};

        fixture->sink.on_sample(fixture->sink.user, &sample);
    }
    path_fixture_add(fixture, 1, CT_OP_READ, 8000, END);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(2000, 1, BEGIN), RUNS(2000, 1, ITSELF), RUNS(3000, 1, ITSELF),
          IS(1000, 1, SYSCALL, OUTSIDE, ITSELF));
    assert_int_equal(ending_at(fixture, 3000)->place.stack_id, 7);
    assert_true(ending_at(fixture, 5000)->place.is_sampled);
    assert_int_equal(ending_at(fixture, 5000)->place.stack_id, 8);
    assert_false(ending_at(fixture, 8000)->place.is_sampled);
    assert_int_equal(ending_at(fixture, 8000)->place.op, CT_OP_READ);
}

/* A preemption does not tell where it ran; what it did next does. */
static void who_lost_its_cpu_runs_on_where_it_was(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_interval queued = path_fixture_interval(fixture, 1, CT_OP_NONE, 3000, 4000);

    queued.class = CT_CLASS_RUNNABLE;
    queued.stack_id = 0;
    queued.is_outside = TRUE;
    path_fixture_tell(fixture, &queued);
    path_fixture_add(fixture, 1, CT_OP_READ, 8000, END);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(2000, 1, BEGIN), IS(1000, 1, RUNNABLE, GOES_ON, ITSELF),
          RUNS(4000, 1, ITSELF), IS(1000, 1, SYSCALL, OUTSIDE, ITSELF));
    assert_int_equal(ending_at(fixture, 3000)->place.op, CT_OP_READ);
    assert_int_equal(ending_at(fixture, 3000)->place.stack_id, 101);
}

static void whom_it_let_go_on_tells_where_it_ran(void **state)
{
    struct path_fixture *fixture = *state;
    struct ct_interval wait = path_fixture_interval(fixture, 3, CT_OP_COND_WAIT, 2000, 5100);

    path_fixture_add_woken(fixture, 2, 2000, 3100, 1, 3000);
    path_fixture_wake(fixture, &wait, 1, 5000, CT_OP_COND_SIGNAL);
    path_fixture_tell(fixture, &wait);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    CHECK(fixture, RUNS(2000, 1, BEGIN), RUNS(2000, 1, ITSELF), RUNS(4000, 1, ITSELF));
    assert_int_equal(ending_at(fixture, 3000)->place.op, CT_OP_SEM_POST);
    assert_int_equal(ending_at(fixture, 5000)->place.op, CT_OP_COND_SIGNAL);
    assert_int_equal(ending_at(fixture, 5000)->place.stack_id, 201);
    assert_int_equal(ending_at(fixture, END)->place.op, CT_OP_NONE);
}

/* Two threads let each other go on, again and again: more than is kept of either. */
static void a_long_chain_is_followed_to_its_begin(void **state)
{
    enum { TURNS = 3000 };
    struct path_fixture *fixture = *state;

    for (uint64_t i = 0; i < TURNS; i++)
        path_fixture_add_woken(fixture, i % 2 == 0 ? 1 : 2, BEGIN + 2 * i, BEGIN + 2 * i + 2,
                               i % 2 == 0 ? 2 : 1, BEGIN + 2 * i + 1);
    path_fixture_finish(fixture);
    walk(fixture, 1);
    assert_true(fixture->found->len > TURNS);
}

/* ---- Sums ---- */

static uint64_t sum_of(const struct ct_path_thread *thread)
{
    return thread->running_ns + thread->runnable_ns + thread->woken_ns + thread->waiting_ns +
           thread->unknown_ns;
}

/* What is summed up is what was found, however it is summed up. */
static void check_sums(const struct ct_path *path, const GArray *found, guint limit)
{
    uint64_t length_ns = path->question.window.end_ns - path->question.window.begin_ns;
    uint64_t threads_ns = 0, rows_ns = 0, count = 0, least_ns = UINT64_MAX, rest_ns = 0;

    for (guint i = 0; i < path->threads->len; i++) {
        const struct ct_path_thread *one = &g_array_index(path->threads, struct ct_path_thread, i);

        assert_int_equal(sum_of(one), one->ns);
        threads_ns += one->ns;
    }
    for (guint i = 0; i < path->rows->len; i++) {
        rows_ns += g_array_index(path->rows, struct ct_path_row, i).ns;
        count += g_array_index(path->rows, struct ct_path_row, i).count;
    }
    assert_int_equal(threads_ns, length_ns);
    assert_int_equal(rows_ns, length_ns);
    assert_int_equal(count, found->len);
    assert_int_equal(path->stretch_count, found->len);
    assert_int_equal(path->longest->len, MIN(limit, found->len));
    for (guint i = 0; i < path->longest->len; i++) {
        const struct ct_path_stretch *one =
            &g_array_index(path->longest, struct ct_path_long, i).stretch;

        if (i > 0)
            assert_true(one[0].begin_ns >=
                        g_array_index(path->longest, struct ct_path_long, i - 1).stretch.end_ns);
        least_ns = MIN(least_ns, one->end_ns - one->begin_ns);
        rest_ns++;
    }
    for (guint i = 0; i < found->len; i++) {
        const struct ct_path_stretch *one = &g_array_index(found, struct ct_path_stretch, i);

        if (one->end_ns - one->begin_ns > least_ns) {
            assert_true(rest_ns > 0);
            rest_ns--;
        }
    }
}

/* Whatever a trace says, the path is the window, and the sums are the path's. */
static void any_trace_has_a_path(void **state)
{
    (void)state;
    for (guint32 seed = 1; seed <= 12; seed++) {
        struct store_fixture random;

        store_fixture_init(&random, seed, 12, 60);
        for (guint i = 0; i < random.loaded->threads->len; i++) {
            struct ct_thread *thread = random.loaded->threads->pdata[i];
            g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct ct_path_stretch));
            struct ct_path_question question = {random.store, random.loaded, thread, {0, 0}};

            question.window.begin_ns = random.loaded->begin_ns;
            question.window.end_ns = MAX(thread->end_ns, thread->start_ns + 1);
            if (question.window.begin_ns >= question.window.end_ns)
                continue;
            assert_true(ct_path_walk(&question, keep, found, NULL));
            check_length(found, &question.window);

            g_autoptr(ct_path) path = ct_path_find(&question, seed, NULL);

            check_sums(path, found, seed);
        }
        store_fixture_clear(&random);
    }
}

/* The same as looking at all of them. */
static void lanes_tell_the_last_before(void **state)
{
    (void)state;
    for (guint32 seed = 1; seed <= 4; seed++) {
        struct store_fixture random;

        store_fixture_init(&random, seed, 3, 1500);
        struct ct_path_lanes *lanes = ct_path_lanes_new(random.store);
        const struct ct_thread *thread = random.loaded->all_threads->pdata[0];

        for (guint i = 0; i < 100; i++) {
            uint64_t at_ns =
                thread->start_ns + (uint64_t)(g_rand_double(random.rand) *
                                              (double)(random.loaded->end_ns - thread->start_ns));
            g_autoptr(ct_store_cursor) cursor = ct_store_intervals(random.store, thread, NULL);
            uint64_t expected = 0;
            struct ct_store_event event;
            struct ct_store_id id;

            while (at_ns > thread->start_ns && ct_store_cursor_next(cursor, &event, NULL)) {
                if (event.begin_ns < at_ns && event.end_ns > event.begin_ns)
                    expected = MAX(expected, event.begin_ns);
            }
            const struct ct_interval *found = ct_path_lanes_before(lanes, thread, at_ns, &id, NULL);

            assert_int_equal(found ? found->begin_ns : 0, expected);
        }
        ct_path_lanes_free(lanes);
        store_fixture_clear(&random);
    }
}

static void it_ends_where_the_first_process_does(void **state)
{
    struct path_fixture *fixture = *state;
    const char *const names[] = {"2", "3", NULL};
    const struct ct_selection all = {0}, some = {.threads = names};
    const struct ct_window late = {8500, END};
    g_autoptr(GError) error = NULL;

    path_fixture_thread(fixture, 1)->end_ns = 8000;
    path_fixture_thread(fixture, 3)->end_ns = 7000;
    path_fixture_finish(fixture);
    struct ct_path_question question = {.store = fixture->store, .model = fixture->loaded};

    assert_true(ct_path_choose(&question, &all, NULL, NULL));
    assert_int_equal(question.thread->tid, 1);
    assert_int_equal(question.window.end_ns, 8000);
    assert_true(ct_path_choose(&question, &some, NULL, NULL));
    assert_int_equal(question.thread->tid, 2);
    assert_false(ct_path_choose(&question, &all, &late, &error));
    assert_true(g_error_matches(error, CT_PATH_ERROR, CT_PATH_ERROR_NOBODY));
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, path_fixture_set_up, path_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(who_runs_alone_is_the_path),
        TEST(a_wait_leads_to_whoever_ended_it),
        TEST(a_chain_goes_over_all_of_its_threads),
        TEST(the_time_to_get_a_cpu_is_told_apart),
        TEST(a_late_word_of_a_wake_leads_there_all_the_same),
        TEST(what_others_did_not_end_stays),
        TEST(a_join_leads_to_the_end_of_the_thread_and_that_to_its_creator),
        TEST(a_child_that_was_waited_for_is_on_the_path),
        TEST(a_program_that_was_executed_leads_to_who_executed_it),
        TEST(before_the_first_thread_there_is_nobody),
        TEST(who_let_go_in_a_wait_was_there_already),
        TEST(a_lock_that_is_waited_for_at_the_end_leads_to_its_holder),
        TEST(a_deadlock_ends_in_one_of_its_waits),
        TEST(a_window_cuts_it_at_both_ends),
        TEST(samples_tell_where_it_ran),
        TEST(who_lost_its_cpu_runs_on_where_it_was),
        TEST(whom_it_let_go_on_tells_where_it_ran),
        TEST(a_long_chain_is_followed_to_its_begin),
        TEST(it_ends_where_the_first_process_does),
        cmocka_unit_test(any_trace_has_a_path),
        cmocka_unit_test(lanes_tell_the_last_before),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
