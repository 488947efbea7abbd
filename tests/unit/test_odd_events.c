/* Events that no recorder writes, as a damaged or made-up trace has them. */
#include "assemble/assemble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#define MS            UINT64_C(1000000)
#define PID           7
#define HIDDEN        9
#define FDS_MAX       (1 << 20) /* that the analyzer keeps */
#define FIRST_KERNELS (UINT32_C(1) << 31)

struct fixture {
    struct ct_model *model;
    struct ct_assembler *assembler;
    struct ct_sink sink;
    GArray *intervals; /* owned; struct ct_interval */
    GArray *samples;   /* owned; struct ct_sample */
};

static void take_interval(void *user, const struct ct_interval *interval)
{
    g_array_append_val(((struct fixture *)user)->intervals, *interval);
}

static void take_sample(void *user, const struct ct_sample *sample)
{
    g_array_append_val(((struct fixture *)user)->samples, *sample);
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

static void add_kernel(struct fixture *fixture, uint64_t time_ns, int32_t tid,
                       const struct ct_kernel_record *kernel)
{
    struct ct_record record = {.event = CT_EVENT_COUNT, .as.kernel = *kernel};

    record.as.kernel.time_ns = time_ns;
    record.as.kernel.tid = tid;
    add(fixture, time_ns, tid, &record);
}

static int setup(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                              .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                   .process_start_ns = 1000 * MS,
                                                   .exe = "/bin/program",
                                                   .args = "program",
                                                   .cwd = "/"}};

    fixture->intervals = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    fixture->samples = g_array_new(FALSE, FALSE, sizeof(struct ct_sample));
    fixture->sink =
        (struct ct_sink){.user = fixture, .on_interval = take_interval, .on_sample = take_sample};
    fixture->model = ct_model_new();
    fixture->assembler = ct_assembler_new(fixture->model, &fixture->sink, 1);
    add(fixture, 1000 * MS, PID, &start);
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

static void add_wait(struct fixture *fixture, int32_t tid, uint64_t time_ns, uint64_t duration_ns)
{
    struct ct_record wait = {.event = CT_EVENT_ID_WAIT,
                             .as.wait = {.duration_ns = (uint32_t)duration_ns,
                                         .object = 0x40,
                                         .op = CT_OP_MUTEX_LOCK,
                                         .class = CT_CLASS_SYNC}};

    add(fixture, time_ns, tid, &wait);
}

static void add_capture(struct fixture *fixture, uint64_t begin_ns, uint64_t end_ns)
{
    struct ct_record capture = {.event = CT_EVENT_ID_CAPTURE,
                                .as.capture = {.schema_version = CT_SCHEMA_VERSION,
                                               .ctrace_version = "",
                                               .command = "",
                                               .layers = "",
                                               .missing = "",
                                               .begin_ns = begin_ns,
                                               .end_ns = end_ns}};

    add(fixture, 4000 * MS, 1, &capture);
}

/* ---- Stacks ---- */

static void add_stack(struct fixture *fixture, uint32_t id, uint64_t leaf)
{
    const uint64_t addresses[] = {leaf, leaf + 1, leaf + 2};
    struct ct_record stack = {.event = CT_EVENT_ID_STACK,
                              .as.stack = {.pid = PID,
                                           .process_start_ns = 1000 * MS,
                                           .id = id,
                                           .addresses = {addresses, G_N_ELEMENTS(addresses)}}};

    add(fixture, 1500 * MS, 1, &stack);
}

static void add_sample(struct fixture *fixture, uint64_t time_ns, uint64_t leaf)
{
    const uint64_t addresses[] = {leaf, 0x200};
    const struct ct_kernel_record sample = {
        .event = CT_KERNEL_ID_CPU_SAMPLE,
        .as.cpu_sample = {.pid = PID,
                          .image_start_ns = 1000 * MS,
                          .period_ns = MS,
                          .addresses = {addresses, G_N_ELEMENTS(addresses)}}};

    add_kernel(fixture, time_ns, PID, &sample);
}

static const struct ct_stack *stack_of(const struct fixture *fixture, uint32_t id)
{
    return ct_process_stack(g_ptr_array_index(fixture->model->processes, 0), id);
}

static void the_first_stack_of_an_id_stays(void **state)
{
    struct fixture *fixture = *state;

    add_stack(fixture, 5, 0x100);
    const struct ct_stack *first = stack_of(fixture, 5);

    add_stack(fixture, 5, 0x900);
    assert_ptr_equal(stack_of(fixture, 5), first);
    add_stack(fixture, 5, 0x100); /* told twice */
    assert_int_equal(first->addresses[0], 0x100);
    assert_int_equal(fixture->model->capture.records_dropped, 1);
}

static void the_kernels_stacks_are_its_own(void **state)
{
    struct fixture *fixture = *state;

    add_stack(fixture, FIRST_KERNELS + 1, 0x900);
    add_sample(fixture, 1100 * MS, 0x100);
    add_stack(fixture, FIRST_KERNELS, 0x900); /* replaces none */
    add_sample(fixture, 1200 * MS, 0x100);
    add_sample(fixture, 1300 * MS, 0x110); /* has its id, whatever came of that */
    assert_int_equal(fixture->samples->len, 3);
    for (guint i = 0; i < 3; i++) {
        uint32_t id = g_array_index(fixture->samples, struct ct_sample, i).stack_id;

        assert_int_equal(id, FIRST_KERNELS + (i == 2));
        assert_int_equal(stack_of(fixture, id)->addresses[0], i == 2 ? 0x110 : 0x100);
    }
    assert_int_equal(fixture->model->capture.records_dropped, 2);
}

/* ---- Threads ---- */

/* A wait of one that was over before a delayed recording began. */
static void threads_live_as_long_as_the_model(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record exit = {.event = CT_EVENT_ID_THREAD_EXIT};

    add_wait(fixture, 8, 1900 * MS, 300 * MS);
    add(fixture, 2000 * MS, 8, &exit);
    add_wait(fixture, PID, 3500 * MS, 400 * MS);
    add_capture(fixture, 3000 * MS, 4000 * MS);
    ct_assembler_finish(fixture->assembler);
    assert_int_equal(fixture->model->threads->len, 1);
    assert_int_equal(fixture->intervals->len, 2);
    const struct ct_thread *early = g_array_index(fixture->intervals, struct ct_interval, 0).thread;

    assert_int_equal(early->tid, 8);
    assert_string_equal(early->process->exe, "/bin/program");
}

/* ---- Descriptors ---- */

static void add_image(struct fixture *fixture, uint64_t time_ns, int32_t pid)
{
    const struct ct_kernel_record image = {
        .event = CT_KERNEL_ID_PROCESS_IMAGE,
        .as.process_image = {
            .pid = pid, .start_ns = time_ns, .exe = "", .args = "server", .cwd = "/"}};

    add_kernel(fixture, time_ns, pid, &image);
}

static void add_call(struct fixture *fixture, uint64_t time_ns, int32_t tid, enum ct_syscall call,
                     uint64_t argument, int64_t result)
{
    struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_SYSCALL_ENTRY,
        .as.syscall = {.call = call, .name = "call", .arguments = {argument}}};

    add_kernel(fixture, time_ns, tid, &record);
    record = (struct ct_kernel_record){.event = CT_KERNEL_ID_SYSCALL_EXIT,
                                       .as.syscall = {.name = "call", .result = result}};
    add_kernel(fixture, time_ns, tid, &record);
}

static void add_fd(struct fixture *fixture, uint64_t time_ns, int32_t pid, int32_t number)
{
    const struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_PROCESS_FD,
        .as.process_fd = {
            .pid = pid, .fd = number, .kind = CT_FD_KIND_FILE, .local = "", .peer = ""}};

    add_kernel(fixture, time_ns, pid, &record);
}

static enum ct_fd_kind kind_of(const struct fixture *fixture, guint process, int32_t number)
{
    const struct ct_process *owner = g_ptr_array_index(fixture->model->processes, process);
    const struct ct_fd *fd = g_hash_table_lookup(owner->fds, GINT_TO_POINTER(number));

    return fd ? fd->kind : CT_FD_KIND_UNKNOWN;
}

static void closed_descriptors_make_room(void **state)
{
    struct fixture *fixture = *state;

    add_image(fixture, 1100 * MS, HIDDEN);
    for (int i = 0; i <= FDS_MAX; i++) {
        add_fd(fixture, 1200 * MS, HIDDEN, 3);
        add_call(fixture, 1200 * MS, HIDDEN, CT_SYSCALL_close, 3, 0);
    }
    add_call(fixture, 1300 * MS, HIDDEN, CT_SYSCALL_socket, AF_INET, 3);
    assert_int_equal(kind_of(fixture, 1, 3), CT_FD_KIND_SOCKET_INET);
    assert_int_equal(fixture->model->capture.records_dropped, 0);
}

/* A process that is replaced is over; what comes after it has the first of its descriptors, until
 * room is made of the others. */
static void descriptors_of_processes_that_are_over_make_room(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_kernel_record exec = {.event = CT_KERNEL_ID_SCHED_PROCESS_EXEC,
                                          .as.sched_process_exec = {.tid = HIDDEN}};

    add_image(fixture, 1100 * MS, HIDDEN);
    for (int i = 0; i < FDS_MAX; i++)
        add_fd(fixture, 1200 * MS, HIDDEN, i);
    add_image(fixture, 1300 * MS, HIDDEN + 1);
    add_call(fixture, 1400 * MS, HIDDEN + 1, CT_SYSCALL_socket, AF_INET, 3);
    assert_int_equal(kind_of(fixture, 2, 3), CT_FD_KIND_UNKNOWN);
    assert_int_equal(fixture->model->capture.records_dropped, 1);
    add_kernel(fixture, 1500 * MS, HIDDEN, &exec);
    add_image(fixture, 1600 * MS, HIDDEN);
    add_call(fixture, 1700 * MS, HIDDEN + 1, CT_SYSCALL_socket, AF_INET, 3);
    add_call(fixture, 1700 * MS, HIDDEN, CT_SYSCALL_socket, AF_INET, 3);
    assert_int_equal(kind_of(fixture, 2, 3), CT_FD_KIND_SOCKET_INET);
    assert_int_equal(kind_of(fixture, 3, 3), CT_FD_KIND_SOCKET_INET);
}

/* ---- Times ---- */

/* One record of a program that writes over its own memory does not make the recording last. */
static void no_wait_ends_after_the_recording(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record inflight = {.event = CT_EVENT_ID_INFLIGHT,
                                 .as.inflight = {.pid = PID,
                                                 .process_start_ns = 1000 * MS,
                                                 .tid = PID,
                                                 .op = CT_OP_MUTEX_LOCK,
                                                 .class = CT_CLASS_SYNC,
                                                 .since_ns = 3999 * MS,
                                                 .duration_ns = 4000 * MS,
                                                 .is_open = 1}};

    add(fixture, 4000 * MS, 1, &inflight);
    add_capture(fixture, 1000 * MS, 4000 * MS);
    ct_assembler_finish(fixture->assembler);
    assert_int_equal(fixture->model->end_ns, 4000 * MS);
    assert_int_equal(g_array_index(fixture->intervals, struct ct_interval, 0).end_ns, 4000 * MS);
}

static void no_process_ends_after_the_recording(void **state)
{
    struct fixture *fixture = *state;
    struct ct_record process = {.event = CT_EVENT_ID_PROCESS,
                                .as.process = {.schema_version = CT_SCHEMA_VERSION,
                                               .pid = PID,
                                               .process_start_ns = 1000 * MS,
                                               .process_end_ns = UINT64_MAX - MS,
                                               .exe = "/bin/program",
                                               .args = "program",
                                               .cwd = "/"}};

    add(fixture, 4000 * MS, 1, &process);
    add_capture(fixture, 1000 * MS, 4000 * MS);
    ct_assembler_finish(fixture->assembler);
    const struct ct_process *settled = g_ptr_array_index(fixture->model->processes, 0);
    const struct ct_thread *thread = g_ptr_array_index(fixture->model->threads, 0);

    assert_int_equal(settled->end_ns, 4000 * MS);
    assert_int_equal(thread->end_ns, 4000 * MS);
}

/* The extent is then what its events say. */
static void no_recording_ends_after_it_was_written(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, PID, 2000 * MS, 500 * MS);
    add_capture(fixture, 0, UINT64_MAX);
    ct_assembler_finish(fixture->assembler);
    assert_int_equal(fixture->model->begin_ns, 1000 * MS);
    assert_int_equal(fixture->model->end_ns, 2000 * MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_stack_of_an_id_stays),
        TEST(the_kernels_stacks_are_its_own),
        TEST(threads_live_as_long_as_the_model),
        TEST(closed_descriptors_make_room),
        TEST(descriptors_of_processes_that_are_over_make_room),
        TEST(no_wait_ends_after_the_recording),
        TEST(no_process_ends_after_the_recording),
        TEST(no_recording_ends_after_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
