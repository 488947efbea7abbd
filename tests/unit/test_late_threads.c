/* Threads whose beginning was lost, and processes whose end was seen late: what the kernel tells.
 */
#include "assemble/assemble.h"
#include "schema/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS    UINT64_C(1000000)
#define PID   7
#define TID   8
#define OTHER 9
#define BEGIN (1000 * MS)

struct fixture {
    struct ct_model *model;
    struct ct_assembler *assembler;
    struct ct_sink sink;
    uint64_t run_ns, runnable_ns;
    uint64_t blocked_ns, outside_ns; /* in the wait, and in none */
    GArray *pieces;                  /* owned; struct piece, of all intervals */
    uint64_t now_ns;
};

struct piece {
    uint64_t begin_ns, end_ns;
};

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct fixture *fixture = user;
    const struct piece piece = {interval->begin_ns, interval->end_ns};

    g_array_append_val(fixture->pieces, piece);
    if (interval->is_outside)
        fixture->outside_ns += interval->end_ns - interval->begin_ns;
    else if (interval->class == CT_CLASS_SYNC)
        fixture->blocked_ns += interval->end_ns - interval->begin_ns;

    if (interval->thread->tid == TID && interval->class == CT_CLASS_RUNNABLE)
        fixture->runnable_ns += interval->end_ns - interval->begin_ns;
}

static void on_run(void *user, const struct ct_run *run)
{
    struct fixture *fixture = user;

    if (run->thread->tid == TID)
        fixture->run_ns += run->end_ns - run->begin_ns;
}

static void add(struct fixture *fixture, struct ct_record record)
{
    record.time_ns = fixture->now_ns;
    assert_true(ct_assembler_add(fixture->assembler, &record, NULL));
}

static void add_switch_of(struct fixture *fixture, int32_t previous, int64_t state, int32_t next)
{
    add(fixture, (struct ct_record){.event = CT_EVENT_COUNT,
                                    .as.kernel = {.event = CT_KERNEL_ID_SCHED_SWITCH,
                                                  .time_ns = fixture->now_ns,
                                                  .tid = previous,
                                                  .as.sched_switch = {.prev_comm = "spin",
                                                                      .prev_tid = previous,
                                                                      .prev_state = state,
                                                                      .next_comm = "spin",
                                                                      .next_tid = next}}});
}

static void add_switch(struct fixture *fixture, int32_t previous, int32_t next)
{
    add_switch_of(fixture, previous, 0, next);
}

static void add_last_switch(struct fixture *fixture, int32_t previous, int32_t next)
{
    static const int64_t dead = 0x10;

    add_switch_of(fixture, previous, dead, next);
}

/* It has the CPU for one of 3 ms, so many times. */
static void spin(struct fixture *fixture, unsigned turns)
{
    for (unsigned turn = 0; turn < turns; turn++) {
        add_switch(fixture, OTHER, TID);
        fixture->now_ns += MS;
        add_switch(fixture, TID, OTHER);
        fixture->now_ns += 2 * MS;
    }
}

static void add_wait(struct fixture *fixture)
{
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_WAIT,
                                    .pid = PID,
                                    .tid = TID,
                                    .as.wait = {.duration_ns = 1000, .op = CT_OP_READ}});
}

/* What the board says of a thread that lives, in the end. */
static void add_thread(struct fixture *fixture, uint64_t start_ns)
{
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_THREAD,
                                    .as.thread = {.pid = PID,
                                                  .process_start_ns = BEGIN,
                                                  .tid = TID,
                                                  .thread_start_ns = start_ns,
                                                  .name = "spin"}});
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->sink = (struct ct_sink){.user = fixture, .on_interval = on_interval, .on_run = on_run};
    fixture->model = ct_model_new();
    fixture->pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
    fixture->assembler = ct_assembler_new(fixture->model, &fixture->sink, 1);
    fixture->now_ns = BEGIN;
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_PROCESS_START,
                                    .pid = PID,
                                    .tid = PID,
                                    .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                         .process_start_ns = BEGIN,
                                                         .exe = "/bin/spin",
                                                         .args = "spin",
                                                         .cwd = "/"}});
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_assembler_free(fixture->assembler);
    ct_model_free(fixture->model);
    g_array_unref(fixture->pieces);
    g_free(fixture);
    return 0;
}

static void add_end(struct fixture *fixture)
{
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_CAPTURE,
                                    .as.capture = {.schema_version = CT_SCHEMA_VERSION,
                                                   .ctrace_version = "",
                                                   .command = "",
                                                   .layers = "preload,kernel",
                                                   .missing = "",
                                                   .begin_ns = BEGIN,
                                                   .end_ns = fixture->now_ns,
                                                   .waits_recorded = 0}});
}

static void expect_known_from(struct fixture *fixture, uint64_t start_ns, uint64_t least_unknown_ns)
{
    add_end(fixture);
    ct_assembler_finish(fixture->assembler);
    struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);
    struct ct_thread *thread = g_hash_table_lookup(process->threads, GINT_TO_POINTER(TID));

    assert_non_null(thread);
    assert_int_equal(thread->start_ns, start_ns);
    assert_int_equal(fixture->run_ns, thread->sched.running_ns);
    assert_int_equal(fixture->runnable_ns, thread->sched.runnable_ns);
    assert_true(thread->sched.unknown_ns >= least_unknown_ns);
    assert_true(fixture->runnable_ns > fixture->run_ns && fixture->run_ns > 0);
}

static void one_that_is_known_in_the_end_alone(void **state)
{
    struct fixture *fixture = *state;

    spin(fixture, 2000);
    add_thread(fixture, BEGIN + MS);
    expect_known_from(fixture, BEGIN + MS, 1000 * MS);
}

static void one_that_turns_out_to_be_older(void **state)
{
    struct fixture *fixture = *state;

    spin(fixture, 100);
    add_wait(fixture);
    spin(fixture, 2000);
    add_thread(fixture, BEGIN + MS);
    expect_known_from(fixture, BEGIN + MS, 200 * MS);
}

/* What the kernel told of it is forgotten by then: it counts as if nothing had been told. */
static void the_first_wait_of_one_may_be_long(void **state)
{
    struct fixture *fixture = *state;

    spin(fixture, 1000);
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_LONG_WAIT,
                                    .pid = PID,
                                    .tid = TID,
                                    .as.long_wait = {.duration_ns = fixture->now_ns - BEGIN - MS,
                                                     .op = CT_OP_READ,
                                                     .class = CT_CLASS_SYSCALL}});
    uint64_t wait_ns = fixture->now_ns - BEGIN - MS;
    add_end(fixture);
    ct_assembler_finish(fixture->assembler);
    struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);
    const struct ct_thread *thread = g_hash_table_lookup(process->threads, GINT_TO_POINTER(TID));
    assert_int_equal(
        thread->sched.unknown_ns + thread->sched.running_ns + thread->sched.runnable_ns, wait_ns);
    assert_int_equal(thread->class_ns[CT_CLASS_SYSCALL], thread->sched.unknown_ns);
    assert_true(thread->class_ns[CT_CLASS_SYSCALL] > wait_ns / 2);
}

/* The recorder notices half a second later that the process was killed. */
static void add_death(struct fixture *fixture)
{
    fixture->now_ns += 500 * MS;
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_PROCESS,
                                    .as.process = {.schema_version = CT_SCHEMA_VERSION,
                                                   .pid = PID,
                                                   .process_start_ns = BEGIN,
                                                   .process_end_ns = fixture->now_ns,
                                                   .exe = "/bin/spin",
                                                   .args = "spin",
                                                   .cwd = "/"}});
}

static void a_killed_process_ends_when_the_kernel_says(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, OTHER, TID);
    add_wait(fixture);
    spin(fixture, 10);
    uint64_t end_ns = fixture->now_ns;
    add_switch(fixture, OTHER, TID);
    add_last_switch(fixture, TID, OTHER);
    add_death(fixture);
    add_end(fixture);
    ct_assembler_finish(fixture->assembler);
    const struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);
    const struct ct_thread *thread = g_hash_table_lookup(process->threads, GINT_TO_POINTER(TID));
    assert_int_equal(process->end_ns, end_ns);
    assert_int_equal(thread->end_ns, end_ns);
    assert_int_equal(thread->sched.unknown_ns, 0);
}

/* Its threads come to their ends one after the other. */
static void a_thread_of_one_ends_when_its_task_does(void **state)
{
    struct fixture *fixture = *state;

    spin(fixture, 10);
    add_wait(fixture);
    uint64_t wait_ns = fixture->now_ns;
    add_switch_of(fixture, TID, 1, PID);
    fixture->now_ns += 50 * MS;
    add_switch(fixture, PID, TID);
    uint64_t end_ns = fixture->now_ns;
    add_last_switch(fixture, TID, PID);
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_WAIT,
                                    .pid = PID,
                                    .tid = PID,
                                    .as.wait = {.duration_ns = 1000, .op = CT_OP_READ}});
    fixture->now_ns += 100 * MS;
    add_last_switch(fixture, PID, OTHER);
    add_death(fixture);
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_INFLIGHT,
                                    .as.inflight = {.pid = PID,
                                                    .process_start_ns = BEGIN,
                                                    .tid = TID,
                                                    .since_ns = wait_ns,
                                                    .duration_ns = fixture->now_ns - wait_ns,
                                                    .op = CT_OP_MUTEX_LOCK,
                                                    .class = CT_CLASS_SYNC,
                                                    .is_open = 1}});
    add_end(fixture);
    ct_assembler_finish(fixture->assembler);
    const struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);
    const struct ct_thread *thread = g_hash_table_lookup(process->threads, GINT_TO_POINTER(TID));
    assert_int_equal(process->end_ns, end_ns + 100 * MS);
    assert_int_equal(thread->end_ns, end_ns);
    assert_int_equal(thread->class_ns[CT_CLASS_SYNC], 50 * MS);
    assert_int_equal(thread->sched.unknown_ns, 0);
}

static int compare_pieces(const void *a, const void *b)
{
    const struct piece *first = a, *second = b;

    return (first->begin_ns > second->begin_ns) - (first->begin_ns < second->begin_ns);
}

static void expect_no_overlaps(const struct fixture *fixture)
{
    g_array_sort(fixture->pieces, compare_pieces);
    for (guint i = 1; i < fixture->pieces->len; i++) {
        const struct piece *pieces = (const struct piece *)(const void *)fixture->pieces->data;

        assert_true(pieces[i - 1].end_ns <= pieces[i].begin_ns);
    }
}

/* It is woken again and again, each time for nothing, before it gets what it waits for. */
static void wait_with_wakes(struct fixture *fixture, unsigned wakes)
{
    const struct ct_kernel_record fork = {
        .event = CT_KERNEL_ID_SCHED_PROCESS_FORK,
        .time_ns = fixture->now_ns,
        .as.sched_process_fork = {.parent_tid = PID, .child_tid = TID}};

    add(fixture, (struct ct_record){.event = CT_EVENT_COUNT, .as.kernel = fork});
    add_switch(fixture, OTHER, TID);
    fixture->now_ns += MS;
    add_wait(fixture);
    for (unsigned i = 0; i < wakes; i++) {
        add_switch_of(fixture, TID, 1, OTHER);
        fixture->now_ns += 2 * MS;
        add_switch(fixture, OTHER, TID);
        fixture->now_ns += MS;
    }
    add(fixture, (struct ct_record){.event = CT_EVENT_ID_LONG_WAIT,
                                    .pid = PID,
                                    .tid = TID,
                                    .as.long_wait = {.duration_ns = fixture->now_ns - BEGIN - MS,
                                                     .op = CT_OP_MUTEX_LOCK,
                                                     .class = CT_CLASS_SYNC}});
    add_end(fixture);
    ct_assembler_finish(fixture->assembler);
}

static void a_wait_of_many_wakes_has_all_of_them(void **state)
{
    struct fixture *fixture = *state;

    wait_with_wakes(fixture, 5000);
    expect_no_overlaps(fixture);
    assert_int_equal(fixture->blocked_ns, 5000 * 2 * MS);
    assert_int_equal(fixture->outside_ns, 0);
    assert_int_equal(fixture->run_ns, 5000 * MS + 1000);
}

/* More than are kept: then no time counts twice. */
static void a_wait_of_too_many_wakes_has_those_that_are_kept(void **state)
{
    struct fixture *fixture = *state;

    wait_with_wakes(fixture, 200000);
    expect_no_overlaps(fixture);
    assert_true(fixture->outside_ns > 0 && fixture->blocked_ns > 0);
    assert_int_equal(fixture->blocked_ns + fixture->outside_ns, 200000 * 2 * MS);
    assert_int_equal(fixture->run_ns, 200000 * MS + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_is_known_in_the_end_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_of_many_wakes_has_all_of_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_of_too_many_wakes_has_those_that_are_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_turns_out_to_be_older, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_wait_of_one_may_be_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_process_ends_when_the_kernel_says, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_thread_of_one_ends_when_its_task_does, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
