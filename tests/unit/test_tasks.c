/* What the scheduler's events say of a task: its states, their sums, and what is kept of them. */
#include "assemble/tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TID   10
#define OTHER 11

struct fixture {
    struct ct_tasks *tasks;
    GStringChunk *names;
    struct ct_thread thread;
    uint64_t run_ns;
    uint64_t runnable_ns;
    guint lines;
};

static void on_run(void *user, struct ct_task *task, const struct ct_task_span *span,
                   uint64_t end_ns)
{
    struct fixture *fixture = user;

    (void)task;
    fixture->run_ns += end_ns - span->begin_ns;
}

static void on_rest(void *user, struct ct_task *task, const struct ct_task_span *span,
                    uint64_t end_ns)
{
    struct fixture *fixture = user;

    (void)task;
    if (span->state != CT_TASK_RUNNABLE)
        return;
    fixture->runnable_ns += end_ns - span->begin_ns;
    fixture->lines++;
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    const struct ct_task_events events = {fixture, on_run, on_rest};

    fixture->names = g_string_chunk_new(64);
    fixture->tasks = ct_tasks_new(&events, fixture->names);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_tasks_free(fixture->tasks);
    g_string_chunk_free(fixture->names);
    g_free(fixture);
    return 0;
}

static void add_switch(struct fixture *fixture, uint64_t time_ns, int32_t previous, int64_t state,
                       int32_t next)
{
    struct ct_kernel_record record = {.event = CT_KERNEL_ID_SCHED_SWITCH,
                                      .time_ns = time_ns,
                                      .as.sched_switch = {.prev_comm = "previous",
                                                          .prev_tid = previous,
                                                          .prev_state = state,
                                                          .next_comm = "next",
                                                          .next_tid = next}};

    assert_true(ct_tasks_add(fixture->tasks, &record));
}

static void add_waking(struct fixture *fixture, uint64_t time_ns, int32_t waker, int32_t tid,
                       gboolean in_interrupt)
{
    struct ct_kernel_record record = {.event = CT_KERNEL_ID_SCHED_WAKING,
                                      .time_ns = time_ns,
                                      .tid = waker,
                                      .in_interrupt = in_interrupt != 0,
                                      .as.sched_waking = {.comm = "task", .tid = tid}};

    assert_true(ct_tasks_add(fixture->tasks, &record));
}

static void add_task_switch(struct fixture *fixture, uint64_t time_ns, gboolean is_out,
                            gboolean is_preempted)
{
    struct ct_kernel_record record = {.event = CT_KERNEL_ID_CONTEXT_SWITCH,
                                      .time_ns = time_ns,
                                      .as.context_switch = {.tid = TID,
                                                            .is_out = is_out != 0,
                                                            .is_preempted = is_preempted != 0}};

    assert_true(ct_tasks_add(fixture->tasks, &record));
}

static struct ct_task *own_task(struct fixture *fixture)
{
    struct ct_task *task = ct_tasks_find(fixture->tasks, TID);

    assert_non_null(task);
    task->thread = &fixture->thread;
    return task;
}

/* What is left out of the times that are expected: until its first event it was blocked. */
static uint64_t early_ns(const struct ct_task *task)
{
    const struct ct_task_span *oldest = ct_task_span(task, 0);

    return oldest->begin_ns == 0 ? ct_task_span_end_ns(task, 0) : 0;
}

static void expect_times(const struct ct_task *task, uint64_t time_ns, uint64_t running_ns,
                         uint64_t runnable_ns, uint64_t blocked_ns)
{
    struct ct_task_times times;

    ct_task_times_at(task, time_ns, &times);
    assert_int_equal(times.ns[CT_TASK_RUNNING], running_ns);
    assert_int_equal(times.ns[CT_TASK_RUNNABLE], runnable_ns);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], early_ns(task) + blocked_ns);
}

static void a_wake_ends_blocked_and_begins_the_line(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 100, 0, 0, TID);
    add_switch(fixture, 200, TID, 1, 0);
    add_waking(fixture, 500, OTHER, TID, FALSE);
    add_switch(fixture, 700, 0, 0, TID);
    expect_times(own_task(fixture), 800, 200, 200, 300);
    expect_times(own_task(fixture), 600, 100, 100, 300);
    expect_times(own_task(fixture), 150, 50, 0, 0);
}

static void who_could_go_on_stands_in_line(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 100, 0, 0, TID);
    own_task(fixture);
    add_switch(fixture, 200, TID, 0, OTHER);
    add_switch(fixture, 300, OTHER, 1, TID);
    add_switch(fixture, 400, TID, 256, OTHER); /* preempted, as newer kernels say it */
    add_switch(fixture, 600, OTHER, 1, TID);
    expect_times(own_task(fixture), 600, 200, 300, 0);
    assert_int_equal(fixture->thread.sched.preemptions, 2);
    assert_string_equal(ct_task_span(own_task(fixture), 2)->preempted_by, "next");
}

/* On another CPU, its waker may be ahead of its own last event. */
static void a_wake_that_overtakes_the_switch_counts(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 100000, 0, 0, TID);
    add_waking(fixture, 200000, OTHER, TID, FALSE);
    add_switch(fixture, 200500, TID, 1, 0);
    add_switch(fixture, 300000, 0, 0, TID);
    expect_times(own_task(fixture), 300000, 100500, 99500, 0);
}

static void an_old_wake_does_not(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 100000, 0, 0, TID);
    add_waking(fixture, 200000, OTHER, TID, FALSE);
    add_switch(fixture, 900000, TID, 1, 0);
    add_switch(fixture, 1000000, 0, 0, TID);
    expect_times(own_task(fixture), 1000000, 800000, 0, 100000);
}

static void an_interrupt_is_no_waker(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 50, 0, 0, OTHER);
    add_switch(fixture, 100, OTHER, 1, TID);
    add_switch(fixture, 200, TID, 1, OTHER);
    add_waking(fixture, 300, OTHER, TID, TRUE);
    assert_null(ct_task_span(own_task(fixture), 3)->waker);
    add_switch(fixture, 400, OTHER, 1, TID);
    add_switch(fixture, 500, TID, 1, OTHER);
    add_waking(fixture, 600, OTHER, TID, FALSE);
    assert_int_equal(ct_task_span(own_task(fixture), 6)->waker->tid, OTHER);
}

static void what_was_not_told_of_was_blocked_before(void **state)
{
    struct fixture *fixture = *state;
    struct ct_task_times times;

    add_waking(fixture, 5000, OTHER, TID, FALSE);
    add_switch(fixture, 6000, 0, 0, TID);
    ct_task_times_at(own_task(fixture), 6000, &times);
    assert_int_equal(times.ns[CT_TASK_UNKNOWN], 0);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 5000);
    assert_int_equal(times.ns[CT_TASK_RUNNABLE], 1000);
}

static void who_was_there_was_blocked_since_then(void **state)
{
    struct fixture *fixture = *state;
    struct ct_kernel_record present = {.event = CT_KERNEL_ID_PROCESS_THREAD,
                                       .time_ns = 4000,
                                       .as.process_thread = {.tid = TID, .name = "task"}};
    struct ct_task_times times;

    assert_true(ct_tasks_add(fixture->tasks, &present));
    add_waking(fixture, 5000, OTHER, TID, FALSE);
    ct_task_times_at(own_task(fixture), 4500, &times);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 500);
    ct_task_times_at(own_task(fixture), 6000, &times);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 1000);
}

static void without_wakes_blocked_lasts_until_it_runs(void **state)
{
    struct fixture *fixture = *state;

    add_task_switch(fixture, 100, FALSE, FALSE);
    add_task_switch(fixture, 200, TRUE, FALSE);
    add_task_switch(fixture, 500, FALSE, FALSE);
    add_task_switch(fixture, 600, TRUE, TRUE);
    add_task_switch(fixture, 650, FALSE, FALSE);
    expect_times(own_task(fixture), 700, 250, 50, 300);
}

static void brief_times_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct ct_task_times times;

    ct_tasks_set_brief(fixture->tasks, 200);
    add_switch(fixture, 100, 0, 0, TID);
    add_switch(fixture, 200, TID, 1, 0);
    add_switch(fixture, 350, 0, 0, TID);
    add_switch(fixture, 400, TID, 1, 0);
    add_switch(fixture, 600, 0, 0, TID);
    ct_task_times_at(own_task(fixture), 600, &times);
    assert_int_equal(times.ns[CT_TASK_BRIEF], 100 + 150);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 200);
}

static void what_was_lost_is_unknown_until_the_next_event(void **state)
{
    struct fixture *fixture = *state;
    struct ct_task_times times;

    add_switch(fixture, 100, 0, 0, TID);
    ct_tasks_lost(fixture->tasks, 0, 300, 600);
    add_switch(fixture, 700, TID, 1, 0);
    ct_task_times_at(own_task(fixture), 800, &times);
    assert_int_equal(times.ns[CT_TASK_RUNNING], 200);
    assert_int_equal(times.ns[CT_TASK_UNKNOWN], 400);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 100 + 100);
}

/* The kernel drops one now and then: the switch from the idle task to this one. */
static void a_switch_that_is_missing_is_made_up_for(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 100, 0, 0, TID);
    own_task(fixture);
    add_switch(fixture, 200, TID, 1, 0);
    add_waking(fixture, 300, OTHER, TID, FALSE);
    add_switch(fixture, 900, TID, 1, 0);
    expect_times(own_task(fixture), 900, 700, 0, 100);
    assert_int_equal(ct_tasks_missed(fixture->tasks), 1);
}

/* A wait took it as blocked: that it also was in an unknown state then would be two things. */
static void what_was_counted_is_not_unknown_later(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 100, 0, 0, TID);
    add_switch(fixture, 200, TID, 1, 0);
    own_task(fixture)->is_own = TRUE;
    ct_task_settle(own_task(fixture), 800);
    add_switch(fixture, 1000, TID, 1, 0);
    expect_times(own_task(fixture), 1000, 100, 0, 600);
}

/* Its own last one: until it is seen again, nobody knows what it did. */
static void who_left_unseen_does_not_run_on(void **state)
{
    struct fixture *fixture = *state;
    struct ct_task_times times;

    add_waking(fixture, 50, OTHER, TID, FALSE);
    add_switch(fixture, 100, 0, 0, TID);
    add_waking(fixture, 150, TID, OTHER, FALSE);
    add_switch(fixture, 900, OTHER, 1, 0);
    ct_task_times_at(own_task(fixture), 1000, &times);
    assert_int_equal(times.ns[CT_TASK_RUNNING], 50);
    assert_int_equal(times.ns[CT_TASK_UNKNOWN], 850);
}

static void what_is_seen_to_run_has_a_cpu(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 100, 0, 0, TID);
    own_task(fixture);
    add_switch(fixture, 200, TID, 1, 0);
    add_waking(fixture, 300, OTHER, TID, FALSE);
    ct_task_seen_running(fixture->tasks, own_task(fixture), 400);
    ct_task_seen_running(fixture->tasks, own_task(fixture), 450);
    add_switch(fixture, 500, TID, 1, 0);
    expect_times(own_task(fixture), 500, 200, 100, 100);
    assert_int_equal(ct_tasks_missed(fixture->tasks), 1);
}

/* Off the CPU that it was seen on, it may be on the one of which nothing is known. */
static void while_events_are_lost_who_has_no_cpu_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct ct_task_times times;

    add_switch(fixture, 100, 0, 0, TID);
    ct_tasks_lost(fixture->tasks, 1, 150, 600);
    add_switch(fixture, 200, TID, 1, 0);
    add_switch(fixture, 700, 0, 0, TID);
    add_switch(fixture, 800, TID, 1, 0);
    ct_task_times_at(own_task(fixture), 900, &times);
    assert_int_equal(times.ns[CT_TASK_RUNNING], 200);
    assert_int_equal(times.ns[CT_TASK_UNKNOWN], 500);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 100 + 100);
}

static void who_is_woken_after_a_loss_was_blocked_since_its_end(void **state)
{
    struct fixture *fixture = *state;
    struct ct_task_times times;

    add_switch(fixture, 100, 0, 0, TID);
    add_switch(fixture, 200, TID, 1, 0);
    ct_tasks_lost(fixture->tasks, 0, 300, 400);
    add_waking(fixture, 5000, OTHER, TID, FALSE);
    add_switch(fixture, 5100, 0, 0, TID);
    ct_task_times_at(own_task(fixture), 5200, &times);
    assert_int_equal(times.ns[CT_TASK_RUNNING], 200);
    assert_int_equal(times.ns[CT_TASK_UNKNOWN], 100);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 100 + 4700);
    assert_int_equal(times.ns[CT_TASK_RUNNABLE], 100);
}

static void add_off_cpu_until(struct fixture *fixture, uint64_t time_ns, uint64_t until_ns)
{
    const struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_OFF_CPU_UNTIL,
        .time_ns = time_ns,
        .as.off_cpu_until = {.tid = TID, .until_ns = until_ns, .is_blocked = TRUE}};

    assert_true(ct_tasks_add(fixture->tasks, &record));
}

static void who_is_known_to_be_off_the_cpu_is_not_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct ct_task_times times;

    add_switch(fixture, 100, 0, 0, TID);
    add_switch(fixture, 200, TID, 1, 0);
    add_off_cpu_until(fixture, 200, 5000);
    ct_tasks_lost(fixture->tasks, 0, 300, 400);
    ct_tasks_lost(fixture->tasks, 0, 4900, 5100);
    ct_task_times_at(own_task(fixture), 5200, &times);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 100 + 4700);
    assert_int_equal(times.ns[CT_TASK_UNKNOWN], 300);
    add_off_cpu_until(fixture, 5200, UINT64_MAX);
    ct_task_seen_running(fixture->tasks, own_task(fixture), 5250);
    ct_task_times_at(own_task(fixture), 5300, &times);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 100 + 4800);
    assert_int_equal(times.ns[CT_TASK_RUNNING], 100);
}

static void moves_between_cpus_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_SCHED_SWITCH,
        .as.sched_switch = {.prev_comm = "", .next_comm = "", .next_tid = TID}};
    static const uint32_t cpus[] = {0, 0, 1, 1, 0};

    for (guint i = 0; i < G_N_ELEMENTS(cpus); i++) {
        record.time_ns = 100 * i + 100;
        record.cpu = cpus[i];
        ct_tasks_add(fixture->tasks, &record);
        own_task(fixture);
        add_switch(fixture, 100 * i + 150, TID, 1, 0);
    }
    assert_int_equal(fixture->thread.sched.migrations, 2);
}

/* It waits, is woken and runs again, so often, and no wait has taken that. */
static void keep_on(struct fixture *fixture, uint64_t rounds)
{
    struct ct_task_times times;

    add_switch(fixture, 1000, 0, 0, TID);
    own_task(fixture);
    for (uint64_t i = 1; i <= rounds; i++) {
        uint64_t at_ns = 1000 + 100 * i;

        add_switch(fixture, at_ns - 40, TID, 1, 0);
        add_waking(fixture, at_ns - 30, OTHER, TID, FALSE);
        add_switch(fixture, at_ns, 0, 0, TID);
    }
    uint64_t end_ns = 1000 + 100 * rounds;

    ct_task_times_at(own_task(fixture), end_ns, &times);
    assert_int_equal(times.ns[CT_TASK_RUNNING], 60 * rounds);
    assert_int_equal(times.ns[CT_TASK_RUNNABLE], 30 * rounds);
    assert_int_equal(times.ns[CT_TASK_BLOCKED], 1000 + 10 * rounds);
}

/* Which may be in one that is not over yet. */
static void what_no_wait_has_taken_is_kept(void **state)
{
    struct fixture *fixture = *state;

    keep_on(fixture, 5000);
    assert_int_equal(fixture->lines, 0);
    assert_int_equal(own_task(fixture)->handed_on_ns, 0);
}

/* More changes than are kept: sums stay exact, and nothing is handed on twice or forgotten. */
static void long_histories_keep_their_sums(void **state)
{
    struct fixture *fixture = *state;
    const guint rounds = 100000;

    keep_on(fixture, rounds);
    assert_true(fixture->lines > 0);
    ct_tasks_finish(fixture->tasks, 1000 + 100 * (uint64_t)rounds);
    assert_int_equal(fixture->run_ns, 60 * rounds);
    assert_int_equal(fixture->runnable_ns, 30 * rounds);
    assert_int_equal(fixture->lines, rounds);
}

static void an_id_that_is_used_again_is_another_task(void **state)
{
    struct fixture *fixture = *state;
    struct ct_kernel_record fork = {
        .event = CT_KERNEL_ID_SCHED_PROCESS_FORK,
        .time_ns = 400,
        .as.sched_process_fork = {.parent_tid = OTHER, .child_tid = TID}};

    add_switch(fixture, 100, 0, 0, TID);
    struct ct_task *first = own_task(fixture);
    add_switch(fixture, 200, TID, 16, 0);
    ct_tasks_add(fixture->tasks, &fork);
    add_switch(fixture, 500, 0, 0, TID);
    assert_ptr_not_equal(own_task(fixture), first);
    expect_times(first, 1000, 100, 0, 0);
    expect_times(own_task(fixture), 600, 100, 100, 0);
}

static void who_executes_a_program_runs(void **state)
{
    struct fixture *fixture = *state;
    struct ct_kernel_record exec = {.event = CT_KERNEL_ID_SCHED_PROCESS_EXEC,
                                    .time_ns = 100,
                                    .as.sched_process_exec = {.filename = "other", .tid = TID}};

    ct_tasks_add(fixture->tasks, &exec);
    add_task_switch(fixture, 300, TRUE, TRUE);
    expect_times(own_task(fixture), 350, 200, 50, 0);
}

/* Whatever comes, lost or out of place: what was handed on is what the sums say. */
static void what_is_handed_on_is_what_the_sums_say(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 400; seed++) {
        struct fixture *fixture;
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        uint64_t now_ns = 1000;

        assert_int_equal(set_up((void **)&fixture), 0);
        ct_tasks_set_brief(fixture->tasks, 100);
        add_switch(fixture, now_ns, OTHER, 0, TID);
        struct ct_task *task = own_task(fixture);
        for (int i = 0; i < 3000; i++) {
            now_ns += (uint64_t)g_rand_int_range(rand, 0, 300);
            switch (g_rand_int_range(rand, 0, 8)) {
            case 0:
            case 1:
                add_switch(fixture, now_ns, TID, g_rand_int_range(rand, 0, 2), OTHER);
                break;
            case 2:
            case 3:
                add_switch(fixture, now_ns, OTHER, 0, TID);
                break;
            case 4:
                add_waking(fixture, now_ns, OTHER, TID, FALSE);
                break;
            case 5:
                if (g_rand_int_range(rand, 0, 20) == 0)
                    ct_tasks_lost(fixture->tasks, (uint32_t)g_rand_int_range(rand, 0, 2),
                                  now_ns - (uint64_t)g_rand_int_range(rand, 0, 500),
                                  now_ns + (uint64_t)g_rand_int_range(rand, 0, 500));
                break;
            case 6:
                ct_task_seen_running(fixture->tasks, task, now_ns);
                break;
            default:
                ct_task_flush_runs(fixture->tasks, task,
                                   now_ns - (uint64_t)g_rand_int_range(rand, 0, 500));
                if (g_rand_int_range(rand, 0, 4) == 0)
                    ct_task_flush(fixture->tasks, task,
                                  now_ns - (uint64_t)g_rand_int_range(rand, 0, 500));
            }
        }
        struct ct_task_times times;
        ct_tasks_finish(fixture->tasks, now_ns);
        ct_task_times_at(task, now_ns, &times);
        assert_int_equal(fixture->run_ns, times.ns[CT_TASK_RUNNING]);
        assert_int_equal(fixture->runnable_ns, times.ns[CT_TASK_RUNNABLE]);
        tear_down((void **)&fixture);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_on_is_what_the_sums_say),
        TEST(a_wake_ends_blocked_and_begins_the_line),
        TEST(who_could_go_on_stands_in_line),
        TEST(a_wake_that_overtakes_the_switch_counts),
        TEST(an_old_wake_does_not),
        TEST(an_interrupt_is_no_waker),
        TEST(what_was_not_told_of_was_blocked_before),
        TEST(who_was_there_was_blocked_since_then),
        TEST(without_wakes_blocked_lasts_until_it_runs),
        TEST(brief_times_are_told_apart),
        TEST(what_was_lost_is_unknown_until_the_next_event),
        TEST(a_switch_that_is_missing_is_made_up_for),
        TEST(what_was_counted_is_not_unknown_later),
        TEST(who_left_unseen_does_not_run_on),
        TEST(what_is_seen_to_run_has_a_cpu),
        TEST(while_events_are_lost_who_has_no_cpu_is_unknown),
        TEST(who_is_woken_after_a_loss_was_blocked_since_its_end),
        TEST(who_is_known_to_be_off_the_cpu_is_not_unknown),
        TEST(moves_between_cpus_are_counted),
        TEST(what_no_wait_has_taken_is_kept),
        TEST(long_histories_keep_their_sums),
        TEST(an_id_that_is_used_again_is_another_task),
        TEST(who_executes_a_program_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
