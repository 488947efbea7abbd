/* What BPF programs tell of times off the CPU becomes records in the order of time. */
#include "convert/off_cpu.h"
#include "schema/kernel_events.h"
#include "spool/off_cpu.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TID   10
#define OTHER 11

struct fixture {
    char *folder;
    int fd;
    struct ct_off_cpu_reader *reader;
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    const struct ct_formats formats = {.enter_id = 1};

    fixture->folder = g_dir_make_tmp("ctrace-off-cpu-XXXXXX", NULL);
    fixture->fd = ct_spool_create(fixture->folder, CT_RINGS_BPF, &formats, 0);
    *state = fixture;
    return fixture->fd < 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->folder, "off_cpu0", NULL);

    if (fixture->reader != NULL)
        ct_off_cpu_reader_unref(fixture->reader);
    unlink(path);
    rmdir(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture);
    return 0;
}

static void add(struct fixture *fixture, const void *record, size_t size)
{
    assert_int_equal(write(fixture->fd, record, size), size);
}

/* As it is when nothing follows `size`. */
static struct ct_off_cpu span(int32_t tid, uint64_t left_ns, uint64_t back_ns)
{
    return (struct ct_off_cpu){
        .header = {.type = CT_OFF_CPU_SPAN, .size = offsetof(struct ct_off_cpu, number)},
        .left_ns = left_ns,
        .back_ns = back_ns,
        .pid = TID,
        .task = {.tid = tid, .name = "task"},
        .next = {.name = "swapper"},
        .previous = {.name = "swapper"},
        .state = 1,
    };
}

static struct ct_off_cpu call(int32_t tid, uint64_t left_ns, uint64_t back_ns, gboolean has_stack)
{
    struct ct_off_cpu off = span(tid, left_ns, back_ns);

    off.flags = CT_OFF_CPU_HAS_CALL;
    off.number = 7;
    off.instruction = 0x1000;
    off.stack_pointer = 0x7000;
    off.header.size = offsetof(struct ct_off_cpu, registers);
    if (has_stack) {
        off.flags |= CT_OFF_CPU_HAS_STACK;
        off.stack_size = 64;
        off.header.size = offsetof(struct ct_off_cpu, stack) + 64;
    }
    return off;
}

static void add_span(struct fixture *fixture, const struct ct_off_cpu *off)
{
    add(fixture, off, off->header.size);
}

static void open_reader(struct fixture *fixture)
{
    g_autofree char *path = g_build_filename(fixture->folder, "off_cpu0", NULL);

    close(fixture->fd);
    struct ct_spool *spool = ct_spool_open(path);
    assert_non_null(spool);
    fixture->reader = ct_off_cpu_reader_new(spool);
}

static struct ct_raw_record expect(struct fixture *fixture, guint cpu, enum ct_raw_kind kind,
                                   uint64_t time_ns)
{
    struct ct_raw_record record;

    assert_true(ct_off_cpu_reader_next(fixture->reader, cpu, &record));
    assert_int_equal(record.kind, kind);
    assert_int_equal(record.time_ns, time_ns);
    return record;
}

static void expect_end(struct fixture *fixture, guint cpu)
{
    struct ct_raw_record record;

    assert_false(ct_off_cpu_reader_next(fixture->reader, cpu, &record));
}

static void a_time_off_the_cpu_is_told_where_it_happened(void **state)
{
    struct fixture *fixture = *state;
    struct ct_off_cpu off = call(TID, 100, 300, TRUE);

    off.woken_ns = 250;
    off.woken_cpu = off.back_cpu = 1;
    off.waker_tid = OTHER;
    add_span(fixture, &off);
    open_reader(fixture);
    assert_int_equal(ct_off_cpu_reader_cpu_count(fixture->reader), 2);
    assert_int_equal(expect(fixture, 0, CT_RAW_SYSCALL_ENTRY, 100).as.syscall.number, 7);
    assert_int_equal(expect(fixture, 0, CT_RAW_CALLERS, 100).as.callers.user.stack_size, 64);
    assert_int_equal(expect(fixture, 0, CT_RAW_SWITCH, 100).as.of_switch.previous.tid, TID);
    expect_end(fixture, 0);
    assert_int_equal(expect(fixture, 1, CT_RAW_WAKING, 250).tid, OTHER);
    assert_int_equal(expect(fixture, 1, CT_RAW_SWITCH, 300).as.of_switch.next.tid, TID);
    assert_true(expect(fixture, 1, CT_RAW_SYSCALL_EXIT, 300).as.syscall.result ==
                CT_SYSCALL_RESULT_UNKNOWN);
    expect_end(fixture, 1);
}

static void a_reason_is_told_instead_of_a_call(void **state)
{
    struct fixture *fixture = *state;
    struct ct_off_cpu off = call(TID, 100, 300, TRUE);

    off.flags = CT_OFF_CPU_HAS_REASON | CT_OFF_CPU_HAS_STACK | CT_OFF_CPU_AT_INSTRUCTION;
    off.number = -CT_OFF_CPU_MAJOR_FAULT;
    off.fault = (struct ct_off_cpu_fault){.address = 0x5000, .file_offset = 0x2000};
    memset(off.fault.file, 'f', sizeof(off.fault.file)); /* which has no end */
    add_span(fixture, &off);
    open_reader(fixture);
    const struct ct_raw_record reason = expect(fixture, 0, CT_RAW_REASON, 100);
    assert_int_equal(reason.tid, TID);
    assert_int_equal(reason.as.reason.op, CT_OP_MAJOR_FAULT);
    assert_int_equal(reason.as.reason.address, 0x5000);
    assert_int_equal(reason.as.reason.file_offset, 0x2000);
    assert_int_equal(strlen(reason.as.reason.file), CT_OFF_CPU_FILE_SIZE - 1);
    assert_true(expect(fixture, 0, CT_RAW_CALLERS, 100).as.callers.is_at_first);
    expect(fixture, 0, CT_RAW_SWITCH, 100);
    expect(fixture, 0, CT_RAW_SWITCH, 300);
    expect_end(fixture, 0);
}

static void a_reason_that_is_none_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    const int64_t numbers[] = {0, 1, -1000, INT64_MIN};

    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct ct_off_cpu off = call(TID, 100 * (i + 1), 0, FALSE);

        off.flags = CT_OFF_CPU_HAS_REASON;
        off.number = numbers[i];
        add_span(fixture, &off);
    }
    open_reader(fixture);
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const uint64_t time_ns = 100 * (i + 1);

        assert_int_equal(expect(fixture, 0, CT_RAW_REASON, time_ns).as.reason.op, CT_OP_NONE);
        expect(fixture, 0, CT_RAW_SWITCH, time_ns);
    }
    expect_end(fixture, 0);
}

static void records_come_in_the_order_of_time_not_of_ends(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_off_cpu brief = span(OTHER, 200, 300), lasting = span(TID, 100, 400);

    add_span(fixture, &brief);
    add_span(fixture, &lasting);
    open_reader(fixture);
    for (uint64_t time_ns = 100; time_ns <= 400; time_ns += 100)
        expect(fixture, 0, CT_RAW_SWITCH, time_ns);
    expect_end(fixture, 0);
}

static void a_switch_from_one_to_the_other_is_told_once(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_off_cpu first = call(TID, 200, 0, TRUE), second = call(OTHER, 0, 200, FALSE);

    add_span(fixture, &second);
    add_span(fixture, &first);
    open_reader(fixture);
    expect(fixture, 0, CT_RAW_SYSCALL_ENTRY, 200);
    expect(fixture, 0, CT_RAW_CALLERS, 200);
    assert_int_equal(expect(fixture, 0, CT_RAW_SWITCH, 200).as.of_switch.previous.tid, TID);
    assert_int_equal(expect(fixture, 0, CT_RAW_SYSCALL_EXIT, 200).tid, OTHER);
    expect_end(fixture, 0);
}

static void who_has_no_stack_has_that_of_the_same_place(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_off_cpu with = call(TID, 100, 200, TRUE), without = call(TID, 300, 400, FALSE);
    struct ct_off_cpu elsewhere = call(TID, 500, 600, FALSE);

    elsewhere.stack_pointer++;
    add_span(fixture, &with);
    add_span(fixture, &without);
    add_span(fixture, &elsewhere);
    open_reader(fixture);
    for (uint64_t time_ns = 100; time_ns <= 500; time_ns += 200) {
        expect(fixture, 0, CT_RAW_SYSCALL_ENTRY, time_ns);
        if (time_ns < 500)
            assert_non_null(expect(fixture, 0, CT_RAW_CALLERS, time_ns).as.callers.user.registers);
        expect(fixture, 0, CT_RAW_SWITCH, time_ns);
        expect(fixture, 0, CT_RAW_SWITCH, time_ns + 100);
        expect(fixture, 0, CT_RAW_SYSCALL_EXIT, time_ns + 100);
    }
    expect_end(fixture, 0);
}

static void what_a_cpu_told_in_the_time_of_a_loss_is_lost(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_off_cpu before = span(TID, 50, 100), within = span(TID, 150, 250),
                            after = span(TID, 350, 400);
    const struct ct_off_cpu_loss loss = {
        .header = {.type = CT_OFF_CPU_LOSS, .size = sizeof(loss)},
        .since_ns = 140,
        .until_ns = 300,
        .count = 9,
    };

    add_span(fixture, &before);
    add_span(fixture, &within);
    add(fixture, &loss, sizeof(loss));
    add_span(fixture, &after);
    open_reader(fixture);
    expect(fixture, 0, CT_RAW_SWITCH, 50);
    expect(fixture, 0, CT_RAW_SWITCH, 100);
    assert_int_equal(expect(fixture, 0, CT_RAW_LOST, 300).as.lost, 9);
    expect(fixture, 0, CT_RAW_SWITCH, 350);
    expect(fixture, 0, CT_RAW_SWITCH, 400);
    expect_end(fixture, 0);
}

static void add_loss(struct fixture *fixture, uint32_t cpu, uint64_t since_ns, uint64_t until_ns)
{
    const struct ct_off_cpu_loss loss = {
        .header = {.type = CT_OFF_CPU_LOSS, .size = sizeof(loss)},
        .since_ns = since_ns,
        .until_ns = until_ns,
        .count = 1,
        .cpu = cpu,
    };

    add(fixture, &loss, sizeof(loss));
}

static void expect_lasting(struct fixture *fixture, uint64_t time_ns, int32_t tid,
                           uint64_t until_ns)
{
    const struct ct_raw_record record = expect(fixture, 0, CT_RAW_LASTING, time_ns);

    assert_int_equal(record.tid, tid);
    assert_int_equal(record.as.lasting.until_ns, until_ns);
    assert_true(record.as.lasting.is_blocked);
}

/* Its own record, made when it was back, says so. */
static void who_is_off_the_cpu_all_the_time_of_a_loss_stays_so(void **state)
{
    struct fixture *fixture = *state;
    struct ct_off_cpu off = span(TID, 100, 500);

    off.woken_ns = 450; /* from then on it was in line for a CPU */
    add_loss(fixture, 0, 200, 300);
    add_span(fixture, &off);
    open_reader(fixture);
    expect(fixture, 0, CT_RAW_SWITCH, 100);
    expect_lasting(fixture, 100, TID, 450);
    expect(fixture, 0, CT_RAW_LOST, 300);
    expect(fixture, 0, CT_RAW_WAKING, 450);
    expect(fixture, 0, CT_RAW_SWITCH, 500);
    expect_end(fixture, 0);
}

static void who_left_in_the_time_of_a_loss_is_in_that_call_from_its_end_on(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_off_cpu off = call(TID, 250, 500, TRUE);

    add_loss(fixture, 0, 200, 300);
    add_span(fixture, &off);
    open_reader(fixture);
    expect(fixture, 0, CT_RAW_LOST, 300);
    expect_lasting(fixture, 300, TID, 500);
    assert_int_equal(expect(fixture, 0, CT_RAW_SYSCALL_ENTRY, 300).as.syscall.number, 7);
    expect(fixture, 0, CT_RAW_CALLERS, 300);
    expect_lasting(fixture, 300, TID, 500);
    expect(fixture, 0, CT_RAW_SWITCH, 500);
    expect(fixture, 0, CT_RAW_SYSCALL_EXIT, 500);
    expect_end(fixture, 0);
}

/* That it was back may be lost; and is not, if it is told of again as the recording ends. */
static void who_was_told_of_before_a_loss_must_be_told_of_again(void **state)
{
    struct fixture *fixture = *state;
    struct ct_off_cpu still = span(TID, 100, 0), other = span(OTHER, 110, 0);

    add_span(fixture, &still);
    add_span(fixture, &other);
    add_loss(fixture, 0, 200, 300);
    still.header.type = CT_OFF_CPU_STILL;
    add_span(fixture, &still);
    open_reader(fixture);
    expect(fixture, 0, CT_RAW_SWITCH, 100);
    expect_lasting(fixture, 100, TID, UINT64_MAX);
    expect(fixture, 0, CT_RAW_SWITCH, 110);
    expect(fixture, 0, CT_RAW_LOST, 300);
    expect_end(fixture, 0);
}

/* It had left its CPU before the recording began, and there is no record of that. */
static void who_never_was_on_a_cpu_has_been_off_it_since_before_the_loss(void **state)
{
    struct fixture *fixture = *state;
    struct ct_off_cpu still = span(TID, 0, 0), back = call(OTHER, 0, 500, FALSE);

    add_loss(fixture, 0, 200, 300);
    add_span(fixture, &back);
    still.header.type = CT_OFF_CPU_STILL;
    add_span(fixture, &still);
    open_reader(fixture);
    expect_lasting(fixture, 199, OTHER, 500);
    expect_lasting(fixture, 199, TID, UINT64_MAX);
    expect(fixture, 0, CT_RAW_LOST, 300);
    expect(fixture, 0, CT_RAW_SWITCH, 500);
    expect(fixture, 0, CT_RAW_SYSCALL_EXIT, 500);
    expect_end(fixture, 0);
}

static void descriptors_are_told_by_their_kinds(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_off_cpu_fd timer = {
        .header = {.type = CT_OFF_CPU_FD, .size = sizeof(timer)},
        .time_ns = 100,
        .pid = TID,
        .fd = 5,
        .name = "[timerfd]",
    };

    add(fixture, &timer, sizeof(timer));
    open_reader(fixture);
    const struct ct_raw_record record = expect(fixture, 0, CT_RAW_FD, 100);
    assert_int_equal(record.as.fd.of.fd, 5);
    assert_int_equal(record.as.fd.of.kind, CT_FD_KIND_TIMERFD);
    expect_end(fixture, 0);
}

/* Nothing beyond the file is read, whatever it says. */
static void a_record_that_is_not_whole_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    struct ct_off_cpu off = call(TID, 100, 200, TRUE), far = span(TID, 300, 400);

    off.header.size = offsetof(struct ct_off_cpu, number);
    far.left_cpu = far.back_cpu = 1U << 30;
    add_span(fixture, &off);
    add_span(fixture, &far);
    off.header.size = sizeof(off);
    add(fixture, &off, offsetof(struct ct_off_cpu, number));
    open_reader(fixture);
    for (guint cpu = 0; cpu < ct_off_cpu_reader_cpu_count(fixture->reader); cpu++)
        expect_end(fixture, cpu);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_time_off_the_cpu_is_told_where_it_happened),
        TEST(a_reason_is_told_instead_of_a_call),
        TEST(a_reason_that_is_none_is_not_believed),
        TEST(records_come_in_the_order_of_time_not_of_ends),
        TEST(a_switch_from_one_to_the_other_is_told_once),
        TEST(who_has_no_stack_has_that_of_the_same_place),
        TEST(what_a_cpu_told_in_the_time_of_a_loss_is_lost),
        TEST(who_is_off_the_cpu_all_the_time_of_a_loss_stays_so),
        TEST(who_left_in_the_time_of_a_loss_is_in_that_call_from_its_end_on),
        TEST(who_was_told_of_before_a_loss_must_be_told_of_again),
        TEST(who_never_was_on_a_cpu_has_been_off_it_since_before_the_loss),
        TEST(descriptors_are_told_by_their_kinds),
        TEST(a_record_that_is_not_whole_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
