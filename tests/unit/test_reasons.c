/* Times off the CPU of which the kernel tells why -> waits of class OTHER. */
#include "assemble/assemble.h"
#include "model/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS  UINT64_C(1000000)
#define PID 7

struct fixture {
    struct ct_model *model;
    struct ct_assembler *assembler;
    struct ct_sink sink;
    GArray *intervals; /* owned; struct ct_interval, those of waits and what was blocked outside */
};

static void on_interval(void *user, const struct ct_interval *interval)
{
    if (interval->class != CT_CLASS_RUNNABLE)
        g_array_append_val((GArray *)user, *interval);
}

static void add(struct fixture *fixture, uint64_t time_ns, const struct ct_kernel_record *kernel)
{
    struct ct_record record = {.event = CT_EVENT_COUNT, .time_ns = time_ns, .as.kernel = *kernel};

    record.as.kernel.time_ns = time_ns;
    record.as.kernel.tid = PID;
    assert_true(ct_assembler_add(fixture->assembler, &record, NULL));
}

static void add_switch(struct fixture *fixture, uint64_t time_ns, int32_t previous, int32_t next)
{
    const struct ct_kernel_record record = {.event = CT_KERNEL_ID_SCHED_SWITCH,
                                            .as.sched_switch = {.prev_comm = "server",
                                                                .prev_tid = previous,
                                                                .prev_state = previous ? 2 : 0,
                                                                .next_comm = "server",
                                                                .next_tid = next}};

    add(fixture, time_ns, &record);
}

static void add_reason(struct fixture *fixture, uint64_t time_ns, const char *reason,
                       const char *file)
{
    static const uint64_t addresses[] = {0x1001, 0x2002};
    const struct ct_kernel_record why = {
        .event = CT_KERNEL_ID_OFF_CPU_REASON,
        .as.off_cpu_reason = {
            .tid = PID, .reason = reason, .address = 0x5000, .file = file, .file_offset = 0x3000}};
    const struct ct_kernel_record callers = {
        .event = CT_KERNEL_ID_CALLSTACK_USER,
        .as.callstack_user = {.tid = PID, .addresses = {addresses, G_N_ELEMENTS(addresses)}}};

    add(fixture, time_ns, &why);
    add(fixture, time_ns, &callers);
}

/* Off the CPU for 10 ms. */
static void add_away(struct fixture *fixture, uint64_t time_ns, const char *reason,
                     const char *file)
{
    add_reason(fixture, time_ns, reason, file);
    add_switch(fixture, time_ns, PID, 0);
    add_switch(fixture, time_ns + 10 * MS, 0, PID);
}

static void add_call(struct fixture *fixture, uint64_t time_ns, enum ct_kernel_event event)
{
    const struct ct_kernel_record record = {
        .event = event, .as.syscall = {.call = CT_SYSCALL_pause, .name = "pause"}};

    add(fixture, time_ns, &record);
}

/* What is told of last says how long there was anything. */
static void add_image(struct fixture *fixture, uint64_t time_ns, int32_t pid)
{
    const struct ct_kernel_record image = {
        .event = CT_KERNEL_ID_PROCESS_IMAGE,
        .as.process_image = {
            .pid = pid, .start_ns = time_ns, .exe = "", .args = "server", .cwd = ""}};

    add(fixture, time_ns, &image);
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->intervals = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    fixture->sink = (struct ct_sink){.user = fixture->intervals, .on_interval = on_interval};
    fixture->model = ct_model_new();
    fixture->assembler = ct_assembler_new(fixture->model, &fixture->sink, 1);
    add_switch(fixture, 1000 * MS, 0, PID);
    add_image(fixture, 1000 * MS, PID);
    add_call(fixture, 1000 * MS, CT_KERNEL_ID_SYSCALL_EXIT); /* calls are told */
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_assembler_free(fixture->assembler);
    ct_model_free(fixture->model);
    g_array_unref(fixture->intervals);
    g_free(fixture);
    return 0;
}

static const struct ct_interval *finish(struct fixture *fixture, guint expected_count)
{
    ct_assembler_finish(fixture->assembler);
    assert_int_equal(fixture->intervals->len, expected_count);
    return &g_array_index(fixture->intervals, struct ct_interval, 0);
}

static const struct ct_thread *thread_of(const struct fixture *fixture)
{
    return g_ptr_array_index(fixture->model->threads, 0);
}

static void a_page_fault_is_a_wait_for_a_place_in_a_file(void **state)
{
    struct fixture *fixture = *state;

    add_away(fixture, 1010 * MS, "major page fault", "data");
    const struct ct_interval *wait = finish(fixture, 1);
    g_autofree char *object = ct_format_object(wait);

    assert_int_equal(wait->op, CT_OP_MAJOR_FAULT);
    assert_int_equal(wait->class, CT_CLASS_OTHER);
    assert_false(wait->is_outside);
    assert_int_equal(wait->begin_ns, 1010 * MS);
    assert_int_equal(wait->end_ns, 1020 * MS);
    assert_string_equal(object, "data 0x3000");
    assert_int_equal(ct_process_stack(thread_of(fixture)->process, wait->stack_id)->count, 2);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_OTHER], 10 * MS);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_RUNNING], 10 * MS);
}

static void where_no_file_is_known_it_is_for_an_address(void **state)
{
    struct fixture *fixture = *state;

    add_away(fixture, 1010 * MS, "page fault", "");
    const struct ct_interval *wait = finish(fixture, 1);
    g_autofree char *object = ct_format_object(wait);

    assert_int_equal(wait->op, CT_OP_PAGE_FAULT);
    assert_string_equal(object, "address 0x5000");
}

static void a_reason_that_is_not_known_leaves_it_as_it_is(void **state)
{
    struct fixture *fixture = *state;

    add_away(fixture, 1010 * MS, "of a later kernel", "");
    add_away(fixture, 1030 * MS, "read", ""); /* which is none of these */
    add_image(fixture, 1050 * MS, PID + 1);
    const struct ct_interval *rest = finish(fixture, 2);

    assert_true(rest[0].is_outside && rest[1].is_outside);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_OTHER], 20 * MS);
}

static void a_stop_within_a_call_is_not_the_calls(void **state)
{
    struct fixture *fixture = *state;

    add_call(fixture, 1010 * MS, CT_KERNEL_ID_SYSCALL_ENTRY);
    add_switch(fixture, 1010 * MS, PID, 0);
    add_switch(fixture, 1014 * MS, 0, PID);
    add_away(fixture, 1015 * MS, "stopped", "");
    add_switch(fixture, 1026 * MS, PID, 0);
    add_switch(fixture, 1030 * MS, 0, PID);
    add_call(fixture, 1030 * MS, CT_KERNEL_ID_SYSCALL_EXIT);
    finish(fixture, 3);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_OTHER], 10 * MS);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_SLEEP], 8 * MS);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_RUNNING], 12 * MS);
}

static void one_that_is_stopped_at_the_end_is_open(void **state)
{
    struct fixture *fixture = *state;

    add_reason(fixture, 1010 * MS, "stopped", "");
    add_switch(fixture, 1010 * MS, PID, 0);
    add_image(fixture, 1050 * MS, PID + 1);
    const struct ct_interval *wait = finish(fixture, 1);

    assert_int_equal(wait->op, CT_OP_STOPPED);
    assert_true(wait->is_open);
    assert_int_equal(wait->end_ns, 1050 * MS);
}

static void whose_return_is_lost_is_not_away_for_good(void **state)
{
    struct fixture *fixture = *state;

    add_reason(fixture, 1010 * MS, "stopped", "");
    add_switch(fixture, 1010 * MS, PID, 0);
    add_call(fixture, 1030 * MS, CT_KERNEL_ID_SYSCALL_ENTRY);
    add_call(fixture, 1040 * MS, CT_KERNEL_ID_SYSCALL_EXIT);
    ct_assembler_finish(fixture->assembler);
    for (guint i = 0; i < fixture->intervals->len; i++)
        assert_int_not_equal(g_array_index(fixture->intervals, struct ct_interval, i).op,
                             CT_OP_STOPPED);
}

static void what_is_throttled_is_not_in_line_for_a_cpu(void **state)
{
    struct fixture *fixture = *state;
    struct ct_kernel_record left = {
        .event = CT_KERNEL_ID_SCHED_SWITCH,
        .as.sched_switch = {
            .prev_comm = "server", .prev_tid = PID, .prev_state = 0, .next_comm = ""}};

    add_reason(fixture, 1010 * MS, "throttled by its cgroup", "");
    add(fixture, 1010 * MS, &left);
    add_switch(fixture, 1030 * MS, 0, PID);
    add(fixture, 1040 * MS, &left); /* now it is preempted */
    add_switch(fixture, 1045 * MS, 0, PID);
    add_image(fixture, 1050 * MS, PID + 1);
    const struct ct_interval *wait = finish(fixture, 1);

    assert_int_equal(wait->op, CT_OP_THROTTLED);
    assert_int_equal(wait->end_ns, 1030 * MS);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_OTHER], 20 * MS);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_RUNNABLE], 5 * MS);
    assert_int_equal(thread_of(fixture)->class_ns[CT_CLASS_RUNNING], 25 * MS);
    assert_int_equal(thread_of(fixture)->sched.preemptions, 1);
}

/* Which tells the quota in the place of an address and of a place in a file. */
static void what_is_throttled_is_for_a_quota(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_kernel_record why = {.event = CT_KERNEL_ID_OFF_CPU_REASON,
                                         .as.off_cpu_reason = {.tid = PID,
                                                               .reason = "throttled by its cgroup",
                                                               .address = 50 * MS,
                                                               .file = "app.slice",
                                                               .file_offset = 100 * MS}};

    add(fixture, 1010 * MS, &why);
    add_switch(fixture, 1010 * MS, PID, 0);
    add_switch(fixture, 1020 * MS, 0, PID);
    const struct ct_interval *wait = finish(fixture, 1);
    g_autofree char *object = ct_format_object(wait);

    assert_string_equal(object, "cgroup app.slice (50.0 ms in each 100 ms)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_page_fault_is_a_wait_for_a_place_in_a_file),
        TEST(where_no_file_is_known_it_is_for_an_address),
        TEST(a_reason_that_is_not_known_leaves_it_as_it_is),
        TEST(a_stop_within_a_call_is_not_the_calls),
        TEST(one_that_is_stopped_at_the_end_is_open),
        TEST(whose_return_is_lost_is_not_away_for_good),
        TEST(what_is_throttled_is_not_in_line_for_a_cpu),
        TEST(what_is_throttled_is_for_a_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
