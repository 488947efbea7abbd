/* A recording whose oldest parts are gone: what was there before, and had been counted. */
#include "assemble/assemble.h"
#include "ingest/ingest.h"
#include "model/capture_notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

#define PID 7

/* The process and its threads began at 1 s; what is left of the recording at 5 s, and it ends at
 * 9 s. */
#define START_NS (1000 * MS)
#define PART_NS  (5000 * MS)
#define END_NS   (9000 * MS)

struct fixture {
    struct ct_model *model;
    struct ct_assembler *assembler;
    struct ct_sink sink;
    GArray *intervals; /* struct ct_interval */
    uint64_t begin_ns; /* of the recording */
};

static void take_interval(void *user, const struct ct_interval *interval)
{
    const struct fixture *fixture = user;

    g_array_append_val(fixture->intervals, *interval);
}

static int setup(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->intervals = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    fixture->sink = (struct ct_sink){.user = fixture, .on_interval = take_interval};
    fixture->begin_ns = START_NS;
    fixture->model = ct_model_new();
    fixture->assembler = ct_assembler_new(fixture->model, &fixture->sink, 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    ct_assembler_free(fixture->assembler);
    ct_model_free(fixture->model);
    g_array_unref(fixture->intervals);
    g_free(fixture);
    return 0;
}

static void add(struct fixture *fixture, uint64_t time_ns, int32_t tid,
                const struct ct_record *record)
{
    struct ct_record timed = *record;

    timed.time_ns = time_ns;
    timed.pid = PID;
    timed.tid = tid;
    assert_true(ct_assembler_add(fixture->assembler, &timed, NULL));
}

static void add_part(struct fixture *fixture, uint64_t time_ns, uint32_t number,
                     gboolean is_restated)
{
    const struct ct_record part = {.event = CT_EVENT_ID_PART,
                                   .as.part = {.number = number,
                                               .begin_ns = time_ns,
                                               .recording_begin_ns = fixture->begin_ns,
                                               .bytes_before = 7300000,
                                               .is_restated = is_restated != 0}};

    add(fixture, time_ns, PID, &part);
}

static void add_process(struct fixture *fixture, uint64_t time_ns)
{
    const struct ct_record process = {.event = CT_EVENT_ID_PROCESS,
                                      .as.process = {.pid = PID,
                                                     .process_start_ns = START_NS,
                                                     .schema_version = CT_SCHEMA_VERSION,
                                                     .rate_ns = 10000,
                                                     .ppid = 1,
                                                     .exe = "/bin/program",
                                                     .args = "program",
                                                     .cwd = "/"}};

    add(fixture, time_ns, PID, &process);
}

static void add_thread(struct fixture *fixture, uint64_t time_ns, uint64_t sync_ns)
{
    const struct ct_record thread = {.event = CT_EVENT_ID_THREAD,
                                     .as.thread = {.pid = PID,
                                                   .process_start_ns = START_NS,
                                                   .tid = PID,
                                                   .thread_start_ns = START_NS,
                                                   .name = "main",
                                                   .sync_ns = sync_ns}};

    add(fixture, time_ns, PID, &thread);
}

static void add_counters_of(struct fixture *fixture, uint64_t time_ns, int32_t tid, uint64_t calls,
                            uint64_t total_ns)
{
    uint64_t histogram[CT_HISTOGRAM_BUCKETS] = {[5] = calls};
    const struct ct_record counters = {
        .event = CT_EVENT_ID_COUNTERS,
        .as.counters = {.pid = PID,
                        .process_start_ns = START_NS,
                        .tid = tid,
                        .op = CT_OP_MUTEX_LOCK,
                        .calls = calls,
                        .total_ns = total_ns,
                        .histogram = {histogram, CT_HISTOGRAM_BUCKETS}}};

    add(fixture, time_ns, tid, &counters);
}

static void add_counters(struct fixture *fixture, uint64_t time_ns, uint64_t calls,
                         uint64_t total_ns)
{
    add_counters_of(fixture, time_ns, PID, calls, total_ns);
}

static void add_fd(struct fixture *fixture, uint64_t time_ns)
{
    const struct ct_record fd = {
        .event = CT_EVENT_ID_FD,
        .as.fd = {.fd = 3, .kind = CT_FD_KIND_PIPE, .local = "pipe:[7]", .peer = ""}};

    add(fixture, time_ns, PID, &fd);
}

static void add_wait(struct fixture *fixture, uint64_t end_ns, uint64_t duration_ns)
{
    const struct ct_record wait = {.event = CT_EVENT_ID_LONG_WAIT,
                                   .as.long_wait = {.duration_ns = duration_ns,
                                                    .object = 0x40,
                                                    .op = CT_OP_MUTEX_LOCK,
                                                    .class = CT_CLASS_SYNC}};

    add(fixture, end_ns, PID, &wait);
}

static void add_read(struct fixture *fixture, uint64_t end_ns)
{
    const struct ct_record wait = {
        .event = CT_EVENT_ID_WAIT,
        .as.wait = {
            .duration_ns = (uint32_t)MS, .object = 3, .op = CT_OP_READ, .class = CT_CLASS_SYSCALL}};

    add(fixture, end_ns, PID, &wait);
}

/* What is said at the begin of a part: so much was counted by then. */
static void restate(struct fixture *fixture, uint64_t time_ns, uint32_t number, uint64_t calls,
                    uint64_t sync_ns)
{
    add_part(fixture, time_ns, number, FALSE);
    add_process(fixture, time_ns);
    add_counters(fixture, time_ns, calls, sync_ns);
    add_thread(fixture, time_ns, sync_ns);
    add_fd(fixture, time_ns);
    add_part(fixture, time_ns, number, TRUE);
}

static void finish_with(struct fixture *fixture, uint64_t calls, uint64_t sync_ns,
                        uint64_t begin_ns, uint64_t waits)
{
    const struct ct_record capture = {.event = CT_EVENT_ID_CAPTURE,
                                      .as.capture = {.schema_version = CT_SCHEMA_VERSION,
                                                     .ctrace_version = "0",
                                                     .command = "program",
                                                     .layers = "preload",
                                                     .missing = "",
                                                     .begin_ns = begin_ns,
                                                     .end_ns = END_NS,
                                                     .waits_recorded = waits}};

    add_process(fixture, END_NS);
    add_counters(fixture, END_NS, calls, sync_ns);
    add_thread(fixture, END_NS, sync_ns);
    add(fixture, END_NS, PID, &capture);
    ct_assembler_finish(fixture->assembler);
}

static void finish(struct fixture *fixture, uint64_t calls, uint64_t sync_ns, uint64_t begin_ns)
{
    finish_with(fixture, calls, sync_ns, begin_ns, 0);
}

static const struct ct_thread *main_thread(const struct fixture *fixture)
{
    assert_int_equal(fixture->model->threads->len, 1);
    return fixture->model->threads->pdata[0];
}

static const struct ct_interval *interval_at(const struct fixture *fixture, guint index)
{
    assert_true(index < fixture->intervals->len);
    return &g_array_index(fixture->intervals, struct ct_interval, index);
}

static void what_was_counted_before_is_taken_off(void **state)
{
    struct fixture *fixture = *state;

    restate(fixture, PART_NS, 4, 100, 2500 * MS);
    finish(fixture, 130, 3100 * MS, PART_NS);

    const struct ct_thread *thread = main_thread(fixture);
    const struct ct_op_counters *counters = ct_process_counters(thread->process, CT_OP_MUTEX_LOCK);

    assert_int_equal(thread->class_ns[CT_CLASS_SYNC], 600 * MS);
    assert_int_equal(thread->start_ns, PART_NS);
    assert_int_equal(thread->class_ns[CT_CLASS_SYNC] + thread->class_ns[CT_CLASS_RUNNING],
                     END_NS - PART_NS);
    assert_int_equal(counters->calls, 30);
    assert_int_equal(counters->total_ns, 600 * MS);
    assert_int_equal(counters->histogram[5], 30);
}

/* Between the look at what there is and its last words. */
static void a_thread_that_ended_meanwhile_counted_before(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record exit = {.event = CT_EVENT_ID_THREAD_EXIT, .as.thread_exit.sync_ns = MS};

    restate(fixture, PART_NS, 4, 100, 2500 * MS);
    add_counters_of(fixture, PART_NS + MS, PID + 1, 77, 900 * MS);
    add(fixture, PART_NS + MS, PID + 1, &exit);
    finish(fixture, 130, 3100 * MS, PART_NS);
    const struct ct_process *process = fixture->model->processes->pdata[0];

    assert_int_equal(ct_process_counters(process, CT_OP_MUTEX_LOCK)->calls, 30);
}

static const struct ct_thread *find_thread(const struct fixture *fixture, int32_t tid)
{
    for (guint i = 0; i < fixture->model->threads->len; i++) {
        const struct ct_thread *thread = fixture->model->threads->pdata[i];

        if (thread->tid == tid)
            return thread;
    }
    return NULL;
}

/* The recorder counts it, too; how long it waited before, nobody knows. */
static void a_thread_that_ended_meanwhile_is_of_the_part(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record exit = {.event = CT_EVENT_ID_THREAD_EXIT,
                                   .as.thread_exit.sync_ns = 3000 * MS};

    restate(fixture, PART_NS, 4, 0, 0);
    add(fixture, PART_NS - MS, PID + 1, &exit); /* before, but heard only now */
    add(fixture, PART_NS + MS, PID + 2, &exit);
    finish(fixture, 0, 0, PART_NS);
    assert_int_equal(fixture->model->threads->len, 3);
    assert_int_equal(find_thread(fixture, PID + 1)->end_ns, PART_NS);
    assert_int_equal(find_thread(fixture, PID + 2)->start_ns, PART_NS);
    assert_int_equal(find_thread(fixture, PID + 2)->end_ns, PART_NS + MS);
    assert_int_equal(find_thread(fixture, PID + 2)->class_ns[CT_CLASS_SYNC], 0);
}

static void what_was_said_before_is_no_sign_of_a_thread(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record name = {.event = CT_EVENT_ID_THREAD_NAME, .as.thread_name.name = "gone"};

    restate(fixture, PART_NS, 4, 0, 0);
    add(fixture, PART_NS - MS, PID + 1, &name);
    finish(fixture, 0, 0, PART_NS);
    assert_int_equal(fixture->model->threads->len, 1);
}

static void a_process_that_is_heard_to_begin_after_it_was_told_of_is_one(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                                    .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                         .process_start_ns = START_NS,
                                                         .exe = "/bin/program",
                                                         .args = "program",
                                                         .cwd = "/"}};

    restate(fixture, PART_NS, 4, 0, 0);
    add(fixture, PART_NS - MS, PID, &start);
    finish(fixture, 0, 0, PART_NS);
    assert_int_equal(fixture->model->processes->len, 1);
    assert_int_equal(fixture->model->threads->len, 1);
}

static void a_process_that_was_over_but_not_closed_is_of_the_part(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record process = {.event = CT_EVENT_ID_PROCESS,
                                      .as.process = {.pid = PID + 1,
                                                     .process_start_ns = START_NS,
                                                     .process_end_ns = PART_NS - MS,
                                                     .schema_version = CT_SCHEMA_VERSION_PARTS,
                                                     .exe = "/bin/child",
                                                     .args = "child",
                                                     .cwd = "/"}};

    restate(fixture, PART_NS, 4, 0, 0);
    add(fixture, PART_NS + MS, PID + 1, &process);
    finish(fixture, 0, 0, PART_NS);
    assert_int_equal(fixture->model->processes->len, 2);
}

static void calls_that_were_all_before_are_none(void **state)
{
    struct fixture *fixture = *state;

    restate(fixture, PART_NS, 4, 100, 2500 * MS);
    finish(fixture, 100, 2500 * MS, PART_NS);
    assert_null(ct_process_counters(main_thread(fixture)->process, CT_OP_MUTEX_LOCK));
}

static void a_wait_that_was_there_begins_with_the_part(void **state)
{
    struct fixture *fixture = *state;

    restate(fixture, PART_NS, 4, 0, 3000 * MS);
    add_wait(fixture, PART_NS + 200 * MS, 3200 * MS);
    finish(fixture, 1, 3200 * MS, PART_NS);
    assert_int_equal(fixture->intervals->len, 1);
    assert_int_equal(interval_at(fixture, 0)->begin_ns, PART_NS);
    assert_int_equal(interval_at(fixture, 0)->end_ns, PART_NS + 200 * MS);
    assert_int_equal(main_thread(fixture)->class_ns[CT_CLASS_SYNC], 200 * MS);
}

static void a_wait_that_came_late_into_the_part_is_not_of_it(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record wait = {.event = CT_EVENT_ID_WAIT,
                                   .as.wait = {.duration_ns = (uint32_t)MS,
                                               .lag_ns = (uint32_t)(2 * MS),
                                               .op = CT_OP_MUTEX_LOCK,
                                               .class = CT_CLASS_SYNC}};

    restate(fixture, PART_NS, 4, 0, 0);
    add(fixture, PART_NS + MS, PID, &wait);
    finish_with(fixture, 0, 0, PART_NS, 1);
    assert_int_equal(fixture->intervals->len, 0);
    assert_int_equal(fixture->model->capture.waits_lost, 1); /* it is none of those recorded */
}

static void descriptors_are_known(void **state)
{
    struct fixture *fixture = *state;

    restate(fixture, PART_NS, 4, 0, 0);
    add_read(fixture, PART_NS + 10 * MS);
    finish(fixture, 0, 0, PART_NS);
    assert_non_null(interval_at(fixture, 0)->fd);
    assert_string_equal(interval_at(fixture, 0)->fd->local, "pipe:[7]");
}

static void later_parts_say_nothing_new(void **state)
{
    struct fixture *fixture = *state;

    restate(fixture, PART_NS, 4, 100, 1000 * MS);
    add_wait(fixture, PART_NS + 100 * MS, 50 * MS);
    restate(fixture, PART_NS + 1000 * MS, 5, 101, 1050 * MS);
    add_wait(fixture, PART_NS + 1100 * MS, 50 * MS);
    finish(fixture, 102, 1100 * MS, PART_NS);
    assert_int_equal(fixture->intervals->len, 2);
    assert_int_equal(fixture->model->processes->len, 1);
    assert_int_equal(main_thread(fixture)->class_ns[CT_CLASS_SYNC], 100 * MS);
    assert_int_equal(ct_process_counters(main_thread(fixture)->process, CT_OP_MUTEX_LOCK)->calls,
                     2);
}

static void a_recording_that_is_whole_has_dropped_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                                    .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                         .process_start_ns = START_NS,
                                                         .rate_ns = 10000,
                                                         .exe = "/bin/program",
                                                         .args = "program",
                                                         .cwd = "/"}};

    add(fixture, START_NS, PID, &start);
    add_wait(fixture, START_NS + 100 * MS, 50 * MS);
    restate(fixture, PART_NS, 1, 1, 50 * MS);
    finish(fixture, 1, 50 * MS, START_NS);
    assert_int_equal(fixture->intervals->len, 1);
    assert_int_equal(fixture->model->capture.dropped_ns, 0);
    assert_int_equal(main_thread(fixture)->class_ns[CT_CLASS_SYNC], 50 * MS);
    assert_int_equal(ct_process_counters(main_thread(fixture)->process, CT_OP_MUTEX_LOCK)->calls,
                     1);
}

static void it_says_what_was_dropped(void **state)
{
    struct fixture *fixture = *state;

    restate(fixture, PART_NS, 4, 0, 0);
    finish(fixture, 0, 0, PART_NS);
    g_autofree char *dropped = ct_capture_dropped(&fixture->model->capture);

    assert_int_equal(fixture->model->begin_ns, PART_NS);
    assert_string_equal(dropped, "the first 4.00 s, of 7.3 MB, as --keep asks");
}

/* Nobody asked for what was before. */
static void what_was_to_begin_with_it_has_dropped_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_capture *capture = &fixture->model->capture;

    fixture->begin_ns = PART_NS;
    restate(fixture, PART_NS, 4, 0, 0);
    finish(fixture, 0, 0, PART_NS);
    g_autofree char *dropped = ct_capture_dropped(capture);

    assert_int_equal(fixture->model->begin_ns, PART_NS);
    assert_string_equal(dropped, "");
    assert_int_equal(capture->dropped_bytes, 0);
    /* Who did nothing since is there all the same. */
    assert_int_equal(fixture->model->threads->len, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_counted_before_is_taken_off),
        TEST(a_thread_that_ended_meanwhile_counted_before),
        TEST(a_thread_that_ended_meanwhile_is_of_the_part),
        TEST(what_was_said_before_is_no_sign_of_a_thread),
        TEST(a_process_that_is_heard_to_begin_after_it_was_told_of_is_one),
        TEST(a_process_that_was_over_but_not_closed_is_of_the_part),
        TEST(calls_that_were_all_before_are_none),
        TEST(a_wait_that_was_there_begins_with_the_part),
        TEST(a_wait_that_came_late_into_the_part_is_not_of_it),
        TEST(descriptors_are_known),
        TEST(later_parts_say_nothing_new),
        TEST(a_recording_that_is_whole_has_dropped_nothing),
        TEST(it_says_what_was_dropped),
        TEST(what_was_to_begin_with_it_has_dropped_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
