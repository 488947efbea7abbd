/* Events put together by hand -> threads and intervals. */
#include "assemble/assemble.h"
#include "ingest/ingest.h"
#include "model/capture_notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

struct fixture {
    struct ct_model *model;
    struct ct_assembler *assembler;
    struct ct_sink sink;
    GArray *intervals; /* struct ct_interval */
    GArray *samples;   /* struct ct_sample */
    int32_t tid;       /* who writes the events */
};

static void on_interval(void *user, const struct ct_interval *interval)
{
    g_array_append_val((GArray *)user, *interval);
}

static void take_sample(void *user, const struct ct_sample *sample)
{
    struct fixture *fixture = user;

    g_array_append_val(fixture->samples, *sample);
}

static void take_interval(void *user, const struct ct_interval *interval)
{
    struct fixture *fixture = user;

    on_interval(fixture->intervals, interval);
}

static void add(struct fixture *fixture, uint64_t time_ns, const struct ct_record *record)
{
    struct ct_record timed = *record;

    timed.time_ns = time_ns;
    timed.pid = 7;
    timed.tid = fixture->tid;
    assert_true(ct_assembler_add(fixture->assembler, &timed, NULL));
}

static int setup(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                              .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                   .process_start_ns = 1000 * MS,
                                                   .rate_ns = 10000,
                                                   .exe = "/bin/program",
                                                   .args = "program",
                                                   .cwd = "/"}};

    fixture->intervals = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    fixture->samples = g_array_new(FALSE, FALSE, sizeof(struct ct_sample));
    fixture->sink =
        (struct ct_sink){.user = fixture, .on_interval = take_interval, .on_sample = take_sample};
    fixture->model = ct_model_new();
    fixture->assembler = ct_assembler_new(fixture->model, &fixture->sink, 1);
    fixture->tid = 7;
    add(fixture, 1000 * MS, &start);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    ct_assembler_free(fixture->assembler);
    ct_model_free(fixture->model);
    g_array_unref(fixture->intervals);
    g_array_unref(fixture->samples);
    g_free(fixture);
    return 0;
}

static void add_wait(struct fixture *fixture, uint64_t time_ns, uint64_t duration_ns,
                     uint64_t lag_ns)
{
    struct ct_record wait = {.event = CT_EVENT_ID_WAIT,
                             .as.wait = {.duration_ns = (uint32_t)duration_ns,
                                         .lag_ns = (uint32_t)lag_ns,
                                         .object = 0x40,
                                         .op = CT_OP_MUTEX_LOCK,
                                         .class = CT_CLASS_SYNC}};

    add(fixture, time_ns, &wait);
}

static void add_wake(struct fixture *fixture, int32_t tid, uint64_t time_ns, uint64_t lag_ns,
                     uint32_t stack)
{
    struct ct_record wake = {
        .event = CT_EVENT_ID_WAKE,
        .as.wake = {
            .lag_ns = (uint32_t)lag_ns, .object = 0x40, .stack = stack, .op = CT_OP_MUTEX_UNLOCK}};
    int32_t tid_before = fixture->tid;

    fixture->tid = tid;
    add(fixture, time_ns, &wake);
    fixture->tid = tid_before;
}

static const struct ct_interval *finish(struct fixture *fixture, guint expected_count)
{
    ct_assembler_finish(fixture->assembler);
    assert_int_equal(fixture->intervals->len, expected_count);
    return &g_array_index(fixture->intervals, struct ct_interval, 0);
}

static struct ct_thread *thread_of(struct fixture *fixture, int32_t tid)
{
    struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);

    return g_hash_table_lookup(process->threads, GINT_TO_POINTER(tid));
}

static void assert_classes_add_up(const struct ct_thread *thread)
{
    uint64_t sum_ns = 0;

    for (size_t i = 0; i < CT_CLASS_COUNT; i++)
        sum_ns += thread->class_ns[i];
    assert_int_equal(sum_ns, thread->end_ns - thread->start_ns);
}

static void wait_ends_its_lag_before_the_event(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, 1100 * MS, 50 * MS, 2 * MS);
    const struct ct_interval *interval = finish(fixture, 1);

    assert_int_equal(interval->begin_ns, 1048 * MS);
    assert_int_equal(interval->end_ns, 1098 * MS);
    assert_int_equal(interval->thread->tid, 7);
    assert_true(interval->weight == 1.0);
}

static void wait_longer_than_the_clock_is_old_begins_with_its_thread(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, 1001 * MS, 2000 * MS, 0);
    assert_int_equal(finish(fixture, 1)->begin_ns, 1000 * MS);
}

static void waits_of_a_thread_do_not_overlap(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, 1100 * MS, 50 * MS, 0);
    add_wait(fixture, 1110 * MS, 30 * MS, 0);
    const struct ct_interval *intervals = finish(fixture, 2);

    assert_int_equal(intervals[1].begin_ns, 1100 * MS);
    assert_int_equal(intervals[1].end_ns, 1110 * MS);
}

static void add_read(struct fixture *fixture, uint64_t time_ns, uint64_t duration_ns)
{
    struct ct_record read = {.event = CT_EVENT_ID_WAIT,
                             .as.wait = {.duration_ns = (uint32_t)duration_ns,
                                         .op = CT_OP_READ,
                                         .class = CT_CLASS_SYSCALL}};

    add(fixture, time_ns, &read);
}

static void wait_that_others_interrupt_keeps_its_begin_without_their_time(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exit = {.event = CT_EVENT_ID_THREAD_EXIT,
                             .as.thread_exit = {.syscall_ns = 1000 * MS, .sync_ns = 6 * MS}};

    add_wait(fixture, 1300 * MS, 1 * MS, 0);
    add_wait(fixture, 1400 * MS, 5 * MS, 0);
    add_read(fixture, 2100 * MS, 1000 * MS);
    add(fixture, 2200 * MS, &exit);
    const struct ct_interval *intervals = finish(fixture, 5);
    const struct ct_thread *thread = thread_of(fixture, 7);
    static const uint64_t ends_ms[][2] = {{1100, 1299}, {1300, 1395}, {1400, 2100}};

    for (guint i = 0; i < 3; i++) {
        const struct ct_interval *part = &intervals[2 + i];

        assert_int_equal(part->begin_ns, ends_ms[i][0] * MS);
        assert_int_equal(part->end_ns, ends_ms[i][1] * MS);
        assert_int_equal(ct_interval_wait_ns(part), 1000 * MS);
        assert_int_equal(ct_interval_is_counted(part, 0), i == 0);
        assert_int_equal(ct_interval_is_counted(part, 1350 * MS), i < 2);
    }
    assert_int_equal(thread->interval_count, 3);
    assert_int_equal(thread->class_ns[CT_CLASS_SYSCALL], 994 * MS);
    assert_int_equal(thread->class_ns[CT_CLASS_SYNC], 6 * MS);
    assert_classes_add_up(thread);
}

/* More than are remembered one by one: their places blur, the sums do not. */
static void time_in_very_many_nested_waits_is_taken_out(void **state)
{
    struct fixture *fixture = *state;
    uint64_t read_ns = 0;

    for (guint i = 0; i < 500; i++)
        add_wait(fixture, 1050 * MS + i * MS, MS / 2, 0);
    add_read(fixture, 2000 * MS, 1000 * MS);
    ct_assembler_finish(fixture->assembler);
    for (guint i = 500; i < fixture->intervals->len; i++) {
        const struct ct_interval *part = &g_array_index(fixture->intervals, struct ct_interval, i);

        read_ns += part->end_ns - part->begin_ns;
    }
    assert_int_equal(read_ns, 750 * MS);
    assert_int_equal(thread_of(fixture, 7)->class_ns[CT_CLASS_SYSCALL], 750 * MS);
    assert_int_equal(thread_of(fixture, 7)->class_ns[CT_CLASS_SYNC], 250 * MS);
}

static void clocks_that_differ_make_no_nested_waits(void **state)
{
    struct fixture *fixture = *state;

    add_read(fixture, 1500 * MS, 100);
    add_read(fixture, 1900 * MS, 400 * MS + 500);
    const struct ct_interval *intervals = finish(fixture, 2);

    assert_int_equal(intervals[1].begin_ns, 1500 * MS);
    assert_int_equal(ct_interval_wait_ns(&intervals[1]), 400 * MS);
}

static void sampled_wait_stands_for_rate_by_duration(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, 1100 * MS, 100, 0);
    add_wait(fixture, 1200 * MS, 0, 0);
    const struct ct_interval *intervals = finish(fixture, 2);

    assert_true(intervals[0].weight == 100.0);
    assert_true(intervals[1].weight == 1.0);
    assert_int_equal(thread_of(fixture, 7)->class_ns[CT_CLASS_SYNC], 10000);
}

static void add_open_read(struct fixture *fixture, uint64_t since_ns, uint64_t duration_ns)
{
    struct ct_record inflight = {.event = CT_EVENT_ID_INFLIGHT,
                                 .as.inflight = {.pid = 7,
                                                 .process_start_ns = 1000 * MS,
                                                 .tid = 7,
                                                 .since_ns = since_ns,
                                                 .duration_ns = duration_ns,
                                                 .op = CT_OP_READ,
                                                 .class = CT_CLASS_NET,
                                                 .is_open = 1}};

    add(fixture, 2100 * MS, &inflight);
}

static void open_wait_stands_for_itself(void **state)
{
    struct fixture *fixture = *state;

    add_open_read(fixture, 1500 * MS, 100);
    assert_true(finish(fixture, 1)->weight == 1.0);
}

static void socket_without_an_address_has_no_name(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record socket = {
        .event = CT_EVENT_ID_FD,
        .as.fd = {.fd = 5, .kind = CT_FD_KIND_SOCKET_INET, .local = "0.0.0.0:0", .peer = ""}};

    add(fixture, 1100 * MS, &socket);
    const struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);
    const struct ct_fd *fd = g_hash_table_lookup(process->fds, GINT_TO_POINTER(5));

    assert_string_equal(fd->local, "");
    socket.as.fd.local = "0.0.0.0:80";
    add(fixture, 1200 * MS, &socket);
    fd = g_hash_table_lookup(process->fds, GINT_TO_POINTER(5));
    assert_string_equal(fd->local, "0.0.0.0:80");
    finish(fixture, 0);
}

static void open_wait_is_a_call_up_to_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record counters = {.event = CT_EVENT_ID_COUNTERS,
                                 .as.counters = {.pid = 7,
                                                 .process_start_ns = 1000 * MS,
                                                 .tid = 7,
                                                 .op = CT_OP_READ,
                                                 .calls = 2,
                                                 .total_ns = 40 * MS}};

    add_open_read(fixture, 1500 * MS, 300 * MS);
    add(fixture, 2100 * MS, &counters);
    finish(fixture, 1);
    const struct ct_op_counters *sum =
        ct_process_counters(g_ptr_array_index(fixture->model->processes, 0), CT_OP_READ);

    assert_int_equal(sum->calls, 3);
    assert_int_equal(sum->total_ns, 340 * MS);
    assert_int_equal(sum->histogram[21], 1); /* of 2^28 to 2^29 ns */
}

static void wake_written_after_the_wait_still_explains_it(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, 1100 * MS, 50 * MS, 0);
    add_wake(fixture, 8, 1100 * MS + 500000, 500100, 3);
    const struct ct_interval *interval = finish(fixture, 1);

    assert_non_null(interval->waker);
    assert_int_equal(interval->waker->tid, 8);
    assert_int_equal(interval->wake_ns, 1100 * MS - 100);
    assert_int_equal(interval->waker_stack_id, 3);
    assert_int_equal(interval->waker_op, CT_OP_MUTEX_UNLOCK);
}

/* What is held for its waker may not be handed on for that. */
static void wake_written_after_a_descriptor_changed_explains_it_too(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record file = {
        .event = CT_EVENT_ID_FD,
        .as.fd = {.fd = 5, .kind = CT_FD_KIND_FILE, .local = "/first", .peer = ""}};

    add(fixture, 1050 * MS, &file);
    add_wait(fixture, 1100 * MS, 50 * MS, 0);
    file.as.fd.local = "/second";
    add(fixture, 1100 * MS + 1000, &file);
    add_wake(fixture, 8, 1110 * MS, 10 * MS + 100, 3);
    const struct ct_interval *interval = finish(fixture, 1);

    assert_non_null(interval->waker);
    assert_int_equal(interval->waker->tid, 8);
}

static void last_wake_inside_the_wait_explains_it(void **state)
{
    struct fixture *fixture = *state;

    add_wake(fixture, 8, 1060 * MS, 0, 1);
    add_wake(fixture, 9, 1080 * MS, 0, 2);
    add_wait(fixture, 1100 * MS, 50 * MS, 0);
    add_wake(fixture, 10, 1100 * MS + 2000, 0, 3);
    assert_int_equal(finish(fixture, 1)->waker->tid, 9);
}

static void wake_before_the_wait_or_by_the_waiter_explains_nothing(void **state)
{
    struct fixture *fixture = *state;

    add_wake(fixture, 8, 1040 * MS, 0, 1);
    add_wake(fixture, 7, 1080 * MS, 0, 2);
    add_wait(fixture, 1100 * MS, 50 * MS, 0);
    assert_null(finish(fixture, 1)->waker);
}

static void intervals_come_in_order_when_many_are_held_back(void **state)
{
    struct fixture *fixture = *state;
    const guint count = 20000;

    for (guint i = 0; i < count; i++)
        add_wait(fixture, 1100 * MS + 20 * i, 10, 0);
    const struct ct_interval *intervals = finish(fixture, count);

    for (guint i = 0; i < count; i++)
        assert_int_equal(intervals[i].end_ns, 1100 * MS + 20 * i);
}

static void many_objects_keep_memory_bounded_and_lose_no_interval(void **state)
{
    struct fixture *fixture = *state;
    const guint count = 100000;
    struct ct_record wait = {.event = CT_EVENT_ID_WAIT,
                             .as.wait = {.duration_ns = 10, .op = CT_OP_MUTEX_LOCK}};

    for (guint i = 0; i < count; i++) {
        wait.as.wait.object = i;
        add(fixture, 1100 * MS + 20 * i, &wait);
    }
    finish(fixture, count);
}

static void thread_exit_wakes_who_joins(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exit = {.event = CT_EVENT_ID_THREAD_EXIT};
    struct ct_record join = {
        .event = CT_EVENT_ID_WAIT,
        .as.wait = {.duration_ns = 80 * MS, .object = 8, .op = CT_OP_THREAD_JOIN}};

    fixture->tid = 8;
    add(fixture, 1090 * MS, &exit);
    fixture->tid = 7;
    add(fixture, 1100 * MS, &join);
    const struct ct_interval *interval = finish(fixture, 1);

    assert_int_equal(interval->waker->tid, 8);
    assert_int_equal(interval->waker_op, CT_OP_THREAD_EXIT);
}

static void wait_open_at_end_is_counted(void **state)
{
    struct fixture *fixture = *state;

    add_open_read(fixture, 1500 * MS, 500 * MS);
    const struct ct_interval *interval = finish(fixture, 1);

    assert_true(interval->is_open);
    assert_int_equal(interval->end_ns, 2000 * MS);
    assert_int_equal(thread_of(fixture, 7)->end_ns, 2000 * MS);
    assert_int_equal(thread_of(fixture, 7)->class_ns[CT_CLASS_NET], 500 * MS);
}

static void exact_totals_win_over_intervals_and_classes_add_up(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exit = {.event = CT_EVENT_ID_THREAD_EXIT,
                             .as.thread_exit = {.sync_ns = 60 * MS, .net_ns = 10 * MS}};

    add_wait(fixture, 1100 * MS, 50 * MS, 0);
    add(fixture, 1200 * MS, &exit);
    finish(fixture, 1);
    const struct ct_thread *thread = thread_of(fixture, 7);

    assert_int_equal(thread->class_ns[CT_CLASS_SYNC], 60 * MS);
    assert_int_equal(thread->class_ns[CT_CLASS_NET], 10 * MS);
    assert_int_equal(thread->class_ns[CT_CLASS_RUNNING], 130 * MS);
    assert_classes_add_up(thread);
}

static void totals_beyond_a_lifetime_shrink_to_it(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exit = {.event = CT_EVENT_ID_THREAD_EXIT,
                             .as.thread_exit = {.sync_ns = UINT64_MAX, .net_ns = UINT64_MAX / 3}};

    add(fixture, 1200 * MS, &exit);
    finish(fixture, 0);
    assert_classes_add_up(thread_of(fixture, 7));
    assert_true(thread_of(fixture, 7)->class_ns[CT_CLASS_SYNC] >
                thread_of(fixture, 7)->class_ns[CT_CLASS_NET]);
}

static void exec_begins_a_new_image_of_the_same_pid(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exec = {.event = CT_EVENT_ID_EXEC, .as.exec = {.path = "/bin/other"}};
    struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                              .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                   .process_start_ns = 1300 * MS,
                                                   .exe = "/bin/other",
                                                   .args = "",
                                                   .cwd = ""}};

    add(fixture, 1290 * MS, &exec);
    add(fixture, 1301 * MS, &start);
    add_wait(fixture, 1400 * MS, 50 * MS, 0);
    assert_string_equal(finish(fixture, 1)->thread->process->name, "other");

    const struct ct_process *before = g_ptr_array_index(fixture->model->processes, 0);

    assert_string_equal(before->name, "program");
    assert_int_equal(before->end_ns, 1300 * MS); /* the exec itself is the old image's */
}

static void add_task_switch(struct fixture *fixture, uint64_t time_ns, gboolean is_out)
{
    struct ct_record record = {
        .event = CT_EVENT_COUNT,
        .as.kernel = {.event = CT_KERNEL_ID_CONTEXT_SWITCH,
                      .time_ns = time_ns,
                      .tid = 7,
                      .as.context_switch = {.tid = 7, .is_out = is_out != 0, .is_preempted = 1}}};

    add(fixture, time_ns, &record);
}

/* The kernel tells of the first one's task only when that has a thread. */
static void each_image_has_its_own_part_of_the_task(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exec = {.event = CT_EVENT_ID_EXEC, .as.exec = {.path = "/bin/other"}};
    struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                              .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                   .process_start_ns = 1300 * MS,
                                                   .exe = "/bin/other",
                                                   .args = "",
                                                   .cwd = ""}};
    struct ct_record process_exit = {.event = CT_EVENT_ID_PROCESS_EXIT};

    add_task_switch(fixture, 1100 * MS, TRUE);
    add_task_switch(fixture, 1110 * MS, FALSE);
    add(fixture, 1290 * MS, &exec);
    add_task_switch(fixture, 1295 * MS, TRUE);
    add_task_switch(fixture, 1297 * MS, FALSE);
    add(fixture, 1300 * MS, &start);
    add_task_switch(fixture, 1350 * MS, TRUE);
    add_task_switch(fixture, 1370 * MS, FALSE);
    add_task_switch(fixture, 1400 * MS, TRUE);
    add_task_switch(fixture, 1405 * MS, FALSE);
    add(fixture, 1500 * MS, &process_exit);
    const struct ct_interval *lines = finish(fixture, 4);
    const struct ct_thread *before = g_ptr_array_index(fixture->model->threads, 0);
    const struct ct_thread *after = g_ptr_array_index(fixture->model->threads, 1);

    assert_ptr_equal(lines[0].thread, before);
    assert_int_equal(lines[0].begin_ns, 1100 * MS);
    assert_ptr_equal(lines[1].thread, before); /* on its way from the one to the other */
    assert_int_equal(lines[1].begin_ns, 1295 * MS);
    assert_int_equal(before->sched.running_ns, 188 * MS);
    assert_int_equal(before->sched.runnable_ns, 12 * MS);
    assert_ptr_equal(lines[2].thread, after);
    assert_int_equal(lines[2].begin_ns, 1350 * MS);
    assert_ptr_equal(lines[3].thread, after);
    assert_int_equal(after->sched.runnable_ns, 25 * MS);
}

/* It says that it has begun: so it had a CPU by then, though that switch is missing. */
static void who_begins_as_another_image_is_on_a_cpu(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exec = {.event = CT_EVENT_ID_EXEC, .as.exec = {.path = "/bin/other"}};
    struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                              .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                   .process_start_ns = 1300 * MS,
                                                   .exe = "/bin/other",
                                                   .args = "",
                                                   .cwd = ""}};
    struct ct_record process_exit = {.event = CT_EVENT_ID_PROCESS_EXIT};

    add_task_switch(fixture, 1100 * MS, TRUE);
    add_task_switch(fixture, 1110 * MS, FALSE);
    add(fixture, 1290 * MS, &exec);
    add_task_switch(fixture, 1295 * MS, TRUE);
    add(fixture, 1300 * MS, &start);
    add_task_switch(fixture, 1350 * MS, TRUE);
    add_task_switch(fixture, 1370 * MS, FALSE);
    add(fixture, 1500 * MS, &process_exit);
    const struct ct_interval *lines = finish(fixture, 3);
    const struct ct_thread *before = g_ptr_array_index(fixture->model->threads, 0);
    const struct ct_thread *after = g_ptr_array_index(fixture->model->threads, 1);

    assert_ptr_equal(lines[1].thread, before);
    assert_int_equal(lines[1].begin_ns, 1295 * MS);
    assert_int_equal(lines[1].end_ns, 1300 * MS);
    assert_int_equal(before->sched.runnable_ns, 15 * MS);
    assert_ptr_equal(lines[2].thread, after);
    assert_int_equal(after->sched.runnable_ns, 20 * MS);
}

/* Off the CPU by itself, for as long as [begin_ns, end_ns). */
static void begin_block(struct fixture *fixture, uint64_t time_ns)
{
    struct ct_record record = {
        .event = CT_EVENT_COUNT,
        .as.kernel = {.event = CT_KERNEL_ID_CONTEXT_SWITCH,
                      .time_ns = time_ns,
                      .tid = 7,
                      .as.context_switch = {.tid = 7, .is_out = 1, .is_preempted = 0}}};

    add(fixture, time_ns, &record);
}

static void add_block(struct fixture *fixture, uint64_t begin_ns, uint64_t end_ns)
{
    begin_block(fixture, begin_ns);
    add_task_switch(fixture, end_ns, FALSE);
}

/* The handler's wait is told of first: that says nothing yet of what came before it. */
static void blocked_before_a_nested_wait_is_the_outer_waits(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t expected_ms[][2] = {
        {1300, 1350}, {1110, 1299}, {1351, 1400}, {1020, 1050}};

    add_task_switch(fixture, 1005 * MS, TRUE);
    add_task_switch(fixture, 1010 * MS, FALSE);
    add_block(fixture, 1020 * MS, 1050 * MS); /* in no wait */
    add_block(fixture, 1110 * MS, 1299 * MS);
    add_block(fixture, 1300 * MS, 1350 * MS);
    add_wait(fixture, 1350 * MS, 50 * MS, 0);
    add_block(fixture, 1351 * MS, 1400 * MS);
    add_read(fixture, 1400 * MS, 290 * MS);
    const struct ct_interval *intervals = finish(fixture, 5);

    assert_int_equal(intervals[0].class, CT_CLASS_SYNC);
    assert_int_equal(intervals[1].class, CT_CLASS_SYSCALL);
    assert_int_equal(intervals[2].class, CT_CLASS_SYSCALL);
    assert_int_equal(intervals[3].class, CT_CLASS_RUNNABLE);
    assert_int_equal(intervals[4].class, CT_CLASS_OTHER);
    for (guint i = 0; i < G_N_ELEMENTS(expected_ms); i++) {
        const struct ct_interval *interval = &intervals[i < 3 ? i : i + 1];

        assert_int_equal(interval->begin_ns, expected_ms[i][0] * MS);
        assert_int_equal(interval->end_ns, expected_ms[i][1] * MS);
    }
    assert_int_equal(thread_of(fixture, 7)->class_ns[CT_CLASS_SYSCALL], (189 + 49) * MS);
    assert_int_equal(thread_of(fixture, 7)->class_ns[CT_CLASS_OTHER], 30 * MS);
}

/* A wait is moved to where its thread lost its CPU: what is left in the run queue is told, too. */
static void what_comes_after_a_wait_that_is_moved_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record waking = {.event = CT_EVENT_COUNT,
                               .as.kernel = {.event = CT_KERNEL_ID_SCHED_WAKING,
                                             .time_ns = 1025 * MS,
                                             .as.sched_waking = {.comm = "program", .tid = 7}}};
    uint64_t runnable_ns = 0;

    add_task_switch(fixture, 1010 * MS, FALSE);
    add_wait(fixture, 1011 * MS, 0, 0); /* the thread is known */
    begin_block(fixture, 1020 * MS);
    add(fixture, 1025 * MS, &waking);
    add_read(fixture, 1030 * MS, 9 * MS);
    ct_assembler_finish(fixture->assembler);
    for (guint i = 0; i < fixture->intervals->len; i++) {
        const struct ct_interval *interval =
            &g_array_index(fixture->intervals, struct ct_interval, i);

        if (interval->class == CT_CLASS_RUNNABLE)
            runnable_ns += interval->end_ns - interval->begin_ns;
    }
    assert_int_equal(runnable_ns, 5 * MS);
    assert_int_equal(thread_of(fixture, 7)->class_ns[CT_CLASS_RUNNABLE], 5 * MS);
}

/* More changes than are kept of a task: their sums are. */
static void a_wait_of_many_switches_has_its_time(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t rounds = 1500;

    add_task_switch(fixture, 1098 * MS, FALSE);
    add_wait(fixture, 1099 * MS, 0, 0); /* the thread is known */
    for (uint64_t i = 0; i < rounds; i++)
        add_block(fixture, (1100 + 2 * i) * MS, (1101 + 2 * i) * MS);
    add_read(fixture, (1100 + 2 * rounds) * MS, 2 * rounds * MS);
    ct_assembler_finish(fixture->assembler);
    assert_in_range(thread_of(fixture, 7)->class_ns[CT_CLASS_SYSCALL], (rounds - 2) * MS,
                    (rounds + 2) * MS);
}

static void add_process(struct fixture *fixture, uint64_t end_ns, const char *args)
{
    struct ct_record process = {.event = CT_EVENT_ID_PROCESS,
                                .as.process = {.pid = 7,
                                               .process_start_ns = 1000 * MS,
                                               .process_end_ns = end_ns,
                                               .schema_version = CT_SCHEMA_VERSION,
                                               .rate_ns = 10000,
                                               .exe = "/bin/program",
                                               .args = args,
                                               .cwd = "/"}};

    add(fixture, 1900 * MS, &process);
}

static void killed_process_ends_its_threads_and_open_waits(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record inflight = {.event = CT_EVENT_ID_INFLIGHT,
                                 .as.inflight = {.pid = 7,
                                                 .process_start_ns = 1000 * MS,
                                                 .tid = 7,
                                                 .since_ns = 1200 * MS,
                                                 .duration_ns = 700 * MS,
                                                 .op = CT_OP_MUTEX_LOCK,
                                                 .class = CT_CLASS_SYNC,
                                                 .is_open = 1}};

    add_process(fixture, 1500 * MS, "program");
    add(fixture, 1900 * MS, &inflight);
    finish(fixture, 1);
    const struct ct_thread *thread = g_ptr_array_index(fixture->model->threads, 0);

    assert_int_equal(g_array_index(fixture->intervals, struct ct_interval, 0).end_ns, 1500 * MS);
    assert_int_equal(thread->end_ns, 1500 * MS);
    assert_int_equal(thread->process->end_ns, 1500 * MS);
    assert_int_equal(thread->class_ns[CT_CLASS_SYNC], 300 * MS);
}

static void process_is_called_what_was_typed(void **state)
{
    static const struct {
        const char *args;
        const char *name;
    } cases[] = {
        {"redis-server *:6379", "redis-server"},
        {"/usr/bin/tool", "tool"},
        {"'/my dir/it'\\''s' -v", "it's"},
        {"-bash", "bash"},
        {"", "program"},
        {"'' x", "program"},
        {"-", "-"},
        {"\"a b\"c d", "a bc"},
        {"'nginx: master process nginx -c /etc/n.conf'", "nginx"},
        {"'/my: dir/tool'", "tool"},
        {"'redis-server *:6379'", "redis-server"},
        {"'/my dir/tool'", "tool"},
    };
    struct fixture *fixture = *state;
    const struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        add_process(fixture, 0, cases[i].args);
        assert_string_equal(process->name, cases[i].name);
    }
}

/* Its first arguments stay known; what it is called follows its last ones. */
static void a_title_that_was_set_is_told_beside_the_arguments(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_process *process = g_ptr_array_index(fixture->model->processes, 0);

    add_process(fixture, 0, "'nginx: master process nginx'");
    add_process(fixture, 0, "'nginx: worker process'");
    assert_string_equal(process->title, "'nginx: worker process'");
    assert_string_equal(ct_process_title(process), "'nginx: worker process'");
    assert_string_not_equal(process->args, process->title);
    assert_string_equal(process->name, "nginx");
}

static void a_process_of_another_format_is_left_out_and_named(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                              .pid = 8,
                              .tid = 8,
                              .time_ns = 1100 * MS,
                              .as.process_start = {.schema_version = CT_SCHEMA_VERSION_PARTS + 1,
                                                   .process_start_ns = 1100 * MS,
                                                   .exe = "/bin/other",
                                                   .args = "",
                                                   .cwd = ""}};
    struct ct_record wait = {.event = CT_EVENT_ID_WAIT,
                             .pid = 8,
                             .tid = 8,
                             .time_ns = 1200 * MS,
                             .as.wait = {.duration_ns = MS, .op = CT_OP_NANOSLEEP}};
    struct ct_record thread = {.event = CT_EVENT_ID_THREAD,
                               .pid = 1,
                               .tid = 1,
                               .time_ns = 1300 * MS,
                               .as.thread = {.pid = 8,
                                             .process_start_ns = 1100 * MS,
                                             .tid = 8,
                                             .thread_start_ns = 1100 * MS,
                                             .name = "other"}};
    const struct ct_model *model = fixture->model;

    assert_true(ct_assembler_add(fixture->assembler, &start, NULL));
    assert_true(ct_assembler_add(fixture->assembler, &wait, NULL));
    assert_true(ct_assembler_add(fixture->assembler, &thread, NULL));
    assert_int_equal(model->processes->len, 1);
    assert_int_equal(fixture->intervals->len, 0);
    assert_int_equal(model->capture.foreign_images, 1);
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);
    g_autofree char *format =
        g_strdup_printf("/bin/other (8, format %d)", CT_SCHEMA_VERSION_PARTS + 1);
    gboolean is_said = FALSE;
    for (guint i = 0; i < complaints->len; i++)
        is_said = is_said || strstr(complaints->pdata[i], format) != NULL;
    assert_true(is_said);

    /* Its id is used again. */
    start.as.process_start.schema_version = CT_SCHEMA_VERSION;
    start.as.process_start.process_start_ns = start.time_ns = 1400 * MS;
    wait.time_ns = 1500 * MS;
    assert_true(ct_assembler_add(fixture->assembler, &start, NULL));
    assert_true(ct_assembler_add(fixture->assembler, &wait, NULL));
    assert_int_equal(model->processes->len, 2);
}

static void a_recording_of_another_format_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record process = {.event = CT_EVENT_ID_PROCESS,
                                .time_ns = 1100 * MS,
                                .as.process = {.pid = 7,
                                               .schema_version = CT_SCHEMA_VERSION_PARTS + 1,
                                               .exe = "",
                                               .args = "",
                                               .cwd = ""}};
    g_autoptr(GError) error = NULL;

    assert_false(ct_assembler_add(fixture->assembler, &process, &error));
    assert_true(g_error_matches(error, CT_INGEST_ERROR, CT_INGEST_ERROR_VERSION));
}

static void stack_deeper_than_the_limit_is_cut(void **state)
{
    struct fixture *fixture = *state;
    uint64_t addresses[CT_STACK_MAX_FRAMES + 1] = {0};
    struct ct_record stack = {.event = CT_EVENT_ID_STACK,
                              .as.stack = {.pid = 7,
                                           .process_start_ns = 1000 * MS,
                                           .id = 5,
                                           .addresses = {addresses, CT_STACK_MAX_FRAMES + 1}}};

    add(fixture, 1500 * MS, &stack);
    finish(fixture, 0);
    assert_int_equal(ct_process_stack(g_ptr_array_index(fixture->model->processes, 0), 5)->count,
                     CT_STACK_MAX_FRAMES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- CPU samples ---- */

static void add_sample(struct fixture *fixture, int32_t tid, uint64_t time_ns,
                       uint64_t image_start_ns, uint64_t leaf)
{
    const uint64_t addresses[] = {leaf, 0x200};
    struct ct_record sample = {.event = CT_EVENT_COUNT,
                               .time_ns = time_ns,
                               .as.kernel = {.event = CT_KERNEL_ID_CPU_SAMPLE,
                                             .time_ns = time_ns,
                                             .tid = tid,
                                             .as.cpu_sample = {
                                                 .pid = 7,
                                                 .image_start_ns = image_start_ns,
                                                 .period_ns = 10 * MS,
                                                 .addresses = {addresses, 2},
                                             }}};

    assert_true(ct_assembler_add(fixture->assembler, &sample, NULL));
}

static const struct ct_sample *sample_at(const struct fixture *fixture, guint index)
{
    assert_true(index < fixture->samples->len);
    return &g_array_index(fixture->samples, struct ct_sample, index);
}

static void sample_is_of_its_thread_with_its_stack(void **state)
{
    struct fixture *fixture = *state;

    add_sample(fixture, 7, 1010 * MS, 999 * MS, 0x100);
    add_sample(fixture, 7, 1020 * MS, 999 * MS, 0x100);
    add_sample(fixture, 7, 1030 * MS, 999 * MS, 0x110);
    assert_int_equal(fixture->samples->len, 3);
    const struct ct_sample *sample = sample_at(fixture, 0);
    const struct ct_stack *stack = ct_process_stack(sample->thread->process, sample->stack_id);

    assert_ptr_equal(sample->thread, thread_of(fixture, 7));
    assert_int_equal(sample->time_ns, 1010 * MS);
    assert_int_equal(sample->period_ns, 10 * MS);
    assert_int_equal(stack->count, 2);
    assert_int_equal(stack->addresses[0], 0x100);
    assert_int_equal(sample_at(fixture, 1)->stack_id, sample->stack_id);
    assert_int_not_equal(sample_at(fixture, 2)->stack_id, sample->stack_id);
    finish(fixture, 0);
    assert_int_equal(fixture->model->capture.samples, 3);
    assert_int_equal(fixture->model->capture.samples_unknown, 0);
    assert_false(fixture->model->capture.has_kernel);
}

/* It was taken before the new image could say that it is there. */
static void sample_of_a_new_image_waits_for_that(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                              .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                   .process_start_ns = 1300 * MS,
                                                   .exe = "/bin/other",
                                                   .args = "other",
                                                   .cwd = "/"}};

    add_sample(fixture, 7, 1010 * MS, 999 * MS, 0x100);
    add_sample(fixture, 7, 1295 * MS, 1290 * MS, 0x100);
    assert_int_equal(fixture->samples->len, 1);
    add(fixture, 1300 * MS, &start);
    add_sample(fixture, 7, 1305 * MS, 1290 * MS, 0x100);
    assert_int_equal(fixture->samples->len, 3);
    assert_int_equal(sample_at(fixture, 1)->time_ns, 1295 * MS);
    assert_string_equal(sample_at(fixture, 0)->thread->process->exe, "/bin/program");
    assert_string_equal(sample_at(fixture, 1)->thread->process->exe, "/bin/other");
}

static void sample_of_a_thread_that_is_told_of_at_the_end_only_counts(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record thread = {.event = CT_EVENT_ID_THREAD,
                               .as.thread = {.pid = 7,
                                             .process_start_ns = 1000 * MS,
                                             .tid = 8,
                                             .thread_start_ns = 1005 * MS,
                                             .name = "late"}};

    add_sample(fixture, 8, 1010 * MS, 999 * MS, 0x100);
    add_sample(fixture, 9, 1010 * MS, 999 * MS, 0x100); /* nobody knows that one */
    add(fixture, 1100 * MS, &thread);
    assert_int_equal(fixture->samples->len, 0);
    finish(fixture, 0);
    assert_int_equal(fixture->samples->len, 1);
    assert_int_equal(sample_at(fixture, 0)->thread->tid, 8);
    assert_int_equal(fixture->model->capture.samples_unknown, 1);
}

/* Those of a process that ctrace does not see must not fill the memory. */
static void samples_of_nobody_are_forgotten(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 10000; i++)
        add_sample(fixture, 9, 1010 * MS + (uint64_t)i, 999 * MS, 0x100);
    assert_true(fixture->model->capture.samples_unknown > 5000);
    finish(fixture, 0);
    assert_int_equal(fixture->model->capture.samples_unknown, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sample_is_of_its_thread_with_its_stack),
        TEST(sample_of_a_new_image_waits_for_that),
        TEST(sample_of_a_thread_that_is_told_of_at_the_end_only_counts),
        TEST(samples_of_nobody_are_forgotten),
        TEST(wait_ends_its_lag_before_the_event),
        TEST(wait_longer_than_the_clock_is_old_begins_with_its_thread),
        TEST(waits_of_a_thread_do_not_overlap),
        TEST(wait_that_others_interrupt_keeps_its_begin_without_their_time),
        TEST(time_in_very_many_nested_waits_is_taken_out),
        TEST(clocks_that_differ_make_no_nested_waits),
        TEST(sampled_wait_stands_for_rate_by_duration),
        TEST(socket_without_an_address_has_no_name),
        TEST(open_wait_is_a_call_up_to_the_end),
        TEST(open_wait_stands_for_itself),
        TEST(wake_written_after_the_wait_still_explains_it),
        TEST(wake_written_after_a_descriptor_changed_explains_it_too),
        TEST(last_wake_inside_the_wait_explains_it),
        TEST(wake_before_the_wait_or_by_the_waiter_explains_nothing),
        TEST(intervals_come_in_order_when_many_are_held_back),
        TEST(many_objects_keep_memory_bounded_and_lose_no_interval),
        TEST(thread_exit_wakes_who_joins),
        TEST(wait_open_at_end_is_counted),
        TEST(exact_totals_win_over_intervals_and_classes_add_up),
        TEST(totals_beyond_a_lifetime_shrink_to_it),
        TEST(exec_begins_a_new_image_of_the_same_pid),
        TEST(who_begins_as_another_image_is_on_a_cpu),
        TEST(each_image_has_its_own_part_of_the_task),
        TEST(blocked_before_a_nested_wait_is_the_outer_waits),
        TEST(what_comes_after_a_wait_that_is_moved_is_told),
        TEST(a_wait_of_many_switches_has_its_time),
        TEST(killed_process_ends_its_threads_and_open_waits),
        TEST(process_is_called_what_was_typed),
        TEST(a_title_that_was_set_is_told_beside_the_arguments),
        TEST(a_process_of_another_format_is_left_out_and_named),
        TEST(a_recording_of_another_format_is_refused),
        TEST(stack_deeper_than_the_limit_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
