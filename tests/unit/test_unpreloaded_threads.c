/* What the kernel alone tells of -> processes, threads and waits. */
#include "assemble/assemble.h"
#include "model/format.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cmocka.h>

#define MS  UINT64_C(1000000)
#define PID 7
#define CPU 0

struct fixture {
    struct ct_model *model;
    struct ct_assembler *assembler;
    struct ct_sink sink;
    GArray *intervals; /* owned; struct ct_interval, those in calls */
};

static void on_interval(void *user, const struct ct_interval *interval)
{
    if (!interval->is_outside && interval->class != CT_CLASS_RUNNABLE)
        g_array_append_val((GArray *)user, *interval);
}

static void add(struct fixture *fixture, uint64_t time_ns, int32_t tid,
                const struct ct_kernel_record *kernel)
{
    struct ct_record record = {.event = CT_EVENT_COUNT, .time_ns = time_ns, .as.kernel = *kernel};

    record.as.kernel.time_ns = time_ns;
    record.as.kernel.tid = tid;
    assert_true(ct_assembler_add(fixture->assembler, &record, NULL));
}

static void add_switch(struct fixture *fixture, uint64_t time_ns, int32_t previous, int64_t state,
                       int32_t next)
{
    const struct ct_kernel_record record = {.event = CT_KERNEL_ID_SCHED_SWITCH,
                                            .as.sched_switch = {.prev_comm = "worker",
                                                                .prev_tid = previous,
                                                                .prev_state = state,
                                                                .next_comm = "worker",
                                                                .next_tid = next}};

    add(fixture, time_ns, previous, &record);
}

static void add_image(struct fixture *fixture, uint64_t time_ns, int32_t pid, int32_t ppid,
                      const char *args)
{
    const struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_PROCESS_IMAGE,
        .as.process_image = {
            .pid = pid, .ppid = ppid, .start_ns = time_ns, .exe = "", .args = args, .cwd = ""}};

    add(fixture, time_ns, pid, &record);
}

static void add_fork(struct fixture *fixture, uint64_t time_ns, int32_t pid, int32_t tid)
{
    const struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_SCHED_PROCESS_FORK,
        .as.sched_process_fork = {
            .parent_tid = PID, .parent_pid = PID, .child_tid = tid, .child_pid = pid}};

    add(fixture, time_ns, PID, &record);
}

static void add_entry(struct fixture *fixture, uint64_t time_ns, int32_t tid, enum ct_syscall call,
                      uint64_t first, uint64_t second, uint64_t third)
{
    const struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_SYSCALL_ENTRY,
        .as.syscall = {.call = call, .name = "call", .arguments = {first, second, third}}};

    add(fixture, time_ns, tid, &record);
}

static void add_exit(struct fixture *fixture, uint64_t time_ns, int32_t tid, int64_t result)
{
    const struct ct_kernel_record record = {.event = CT_KERNEL_ID_SYSCALL_EXIT,
                                            .as.syscall = {.name = "call", .result = result}};

    add(fixture, time_ns, tid, &record);
}

/* A call of 10 ms in which the thread blocks, from here. */
static void add_blocked_call(struct fixture *fixture, uint64_t time_ns, int32_t tid,
                             enum ct_syscall call, uint64_t first, uint64_t second)
{
    static const uint64_t addresses[] = {0x1001, 0x2002};
    const struct ct_kernel_record callers = {
        .event = CT_KERNEL_ID_CALLSTACK_USER,
        .as.callstack_user = {.tid = tid,
                              .is_by_frame_pointers = 1,
                              .addresses = {addresses, G_N_ELEMENTS(addresses)}}};

    add_entry(fixture, time_ns, tid, call, first, second, 0);
    add_switch(fixture, time_ns + 1000, tid, 1, 0);
    add(fixture, time_ns + 1000, tid, &callers);
    add_switch(fixture, time_ns + 10 * MS - 1000, 0, 0, tid);
    add_exit(fixture, time_ns + 10 * MS, tid, 1);
}

/* A call that opens a descriptor, without a wait. */
static void add_opening_call(struct fixture *fixture, uint64_t time_ns, enum ct_syscall call,
                             uint64_t first, int64_t fd)
{
    add_entry(fixture, time_ns, PID, call, first, 0, 0);
    add_exit(fixture, time_ns + 1000, PID, fd);
}

static void add_module(struct fixture *fixture, uint64_t begin, uint64_t end)
{
    const struct ct_kernel_record record = {.event = CT_KERNEL_ID_PROCESS_MODULE,
                                            .as.process_module = {.pid = PID,
                                                                  .path = "/bin/server",
                                                                  .copy = "",
                                                                  .build_id = "",
                                                                  .begin = begin,
                                                                  .end = end}};

    add(fixture, 1000 * MS, PID, &record);
}

static int setup(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->intervals = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    fixture->sink = (struct ct_sink){.user = fixture->intervals, .on_interval = on_interval};
    fixture->model = ct_model_new();
    fixture->assembler = ct_assembler_new(fixture->model, &fixture->sink, 1);
    add_switch(fixture, 1000 * MS, 0, 0, PID);
    add_image(fixture, 1000 * MS, PID, 1, "server");
    add_module(fixture, 0x1000, 0x3000);
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

static const struct ct_interval *finish(struct fixture *fixture, guint expected_count)
{
    ct_assembler_finish(fixture->assembler);
    assert_int_equal(fixture->intervals->len, expected_count);
    return &g_array_index(fixture->intervals, struct ct_interval, 0);
}

static struct ct_process *process_at(const struct fixture *fixture, guint index)
{
    assert_true(index < fixture->model->processes->len);
    return g_ptr_array_index(fixture->model->processes, index);
}

static struct ct_thread *thread_of(struct ct_process *process, int32_t tid)
{
    return g_hash_table_lookup(process->threads, GINT_TO_POINTER(tid));
}

static void a_call_that_blocks_is_a_wait_with_its_callers(void **state)
{
    struct fixture *fixture = *state;

    add_blocked_call(fixture, 1010 * MS, PID, CT_SYSCALL_wait4, (uint64_t)-1, 0);
    const struct ct_interval *wait = finish(fixture, 1);
    const struct ct_process *process = process_at(fixture, 0);
    const struct ct_stack *stack = ct_process_stack(process, wait->stack_id);

    assert_true(process->is_unpreloaded);
    assert_string_equal(process->name, "server");
    assert_int_equal(wait->op, CT_OP_WAITPID);
    assert_int_equal(wait->class, CT_CLASS_SYSCALL);
    assert_int_equal(wait->wait_begin_ns, 1010 * MS);
    assert_int_equal(wait->wait_end_ns, 1020 * MS);
    assert_int_equal(wait->end_ns - wait->begin_ns, 10 * MS - 2000); /* blocked */
    assert_int_equal((int64_t)wait->object, -1);
    assert_non_null(stack);
    assert_int_equal(stack->count, 2);
    assert_int_equal(stack->addresses[1], 0x2002);
}

static void one_that_does_not_block_is_only_counted(void **state)
{
    struct fixture *fixture = *state;

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_read, 3, 0, 0);
    add_exit(fixture, 1011 * MS, PID, 1);
    finish(fixture, 0);
    assert_int_equal(ct_process_counters(process_at(fixture, 0), CT_OP_READ)->calls, 1);
}

static void the_same_callers_are_one_stack(void **state)
{
    struct fixture *fixture = *state;

    add_blocked_call(fixture, 1010 * MS, PID, CT_SYSCALL_nanosleep, 0, 0);
    add_blocked_call(fixture, 1030 * MS, PID, CT_SYSCALL_nanosleep, 0, 0);
    const struct ct_interval *waits = finish(fixture, 2);

    assert_int_equal(waits[0].stack_id, waits[1].stack_id);
    assert_int_equal(g_hash_table_size(process_at(fixture, 0)->stacks), 1);
}

static void the_same_callers_in_another_library_are_another_stack(void **state)
{
    struct fixture *fixture = *state;
    struct ct_kernel_record module = {.event = CT_KERNEL_ID_PROCESS_MODULE,
                                      .as.process_module = {.pid = PID,
                                                            .path = "/lib/other.so",
                                                            .copy = "",
                                                            .build_id = "",
                                                            .begin = 0x1000,
                                                            .end = 0x2000}};

    add_blocked_call(fixture, 1010 * MS, PID, CT_SYSCALL_pause, 0, 0);
    module.time_ns = 1025 * MS;
    add(fixture, 1025 * MS, PID, &module);
    add(fixture, 1026 * MS, PID, &module); /* another part of it */
    add_blocked_call(fixture, 1030 * MS, PID, CT_SYSCALL_pause, 0, 0);
    add_blocked_call(fixture, 1050 * MS, PID, CT_SYSCALL_pause, 0, 0);
    const struct ct_interval *waits = finish(fixture, 3);
    const struct ct_process *process = process_at(fixture, 0);
    const struct ct_stack *first = ct_process_stack(process, waits[0].stack_id);
    const struct ct_stack *second = ct_process_stack(process, waits[1].stack_id);

    assert_int_not_equal(waits[0].stack_id, waits[1].stack_id);
    assert_int_equal(waits[1].stack_id, waits[2].stack_id);
    assert_int_equal(process->modules->len, 2);
    assert_string_equal(ct_process_module(process, 0x1000, first->time_ns)->path, "/bin/server");
    assert_string_equal(ct_process_module(process, 0x1000, second->time_ns)->path, "/lib/other.so");
}

static void callers_end_with_the_programs_code(void **state)
{
    static const uint64_t addresses[] = {0x1001, 0x9009, 0x2002, 0x9009, 0x9009};
    struct fixture *fixture = *state;
    const struct ct_kernel_record callers = {
        .event = CT_KERNEL_ID_CALLSTACK_USER,
        .as.callstack_user = {.tid = PID,
                              .is_by_frame_pointers = 1,
                              .addresses = {addresses, G_N_ELEMENTS(addresses)}}};

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_pause, 0, 0, 0);
    add_switch(fixture, 1011 * MS, PID, 1, 0);
    add(fixture, 1011 * MS, PID, &callers);
    add_switch(fixture, 1020 * MS, 0, 0, PID);
    add_exit(fixture, 1021 * MS, PID, 0);
    const struct ct_interval *wait = finish(fixture, 1);

    assert_int_equal(ct_process_stack(process_at(fixture, 0), wait->stack_id)->count, 3);
}

static void what_a_descriptor_is_decides_the_class(void **state)
{
    struct fixture *fixture = *state;

    add_opening_call(fixture, 1001 * MS, CT_SYSCALL_socket, AF_INET, 3);
    add_opening_call(fixture, 1002 * MS, CT_SYSCALL_eventfd2, 0, 4);
    add_opening_call(fixture, 1003 * MS, CT_SYSCALL_dup, 3, 5);
    add_blocked_call(fixture, 1010 * MS, PID, CT_SYSCALL_read, 3, 0);
    add_blocked_call(fixture, 1030 * MS, PID, CT_SYSCALL_read, 4, 0);
    add_blocked_call(fixture, 1050 * MS, PID, CT_SYSCALL_read, 5, 0);
    add_entry(fixture, 1061 * MS, PID, CT_SYSCALL_close, 3, 0, 0);
    add_exit(fixture, 1062 * MS, PID, 0);
    add_blocked_call(fixture, 1070 * MS, PID, CT_SYSCALL_read, 3, 0);
    const struct ct_interval *waits = finish(fixture, 4);

    assert_int_equal(waits[0].class, CT_CLASS_NET);
    assert_int_equal(waits[1].class, CT_CLASS_SYNC);
    assert_int_equal(waits[2].class, CT_CLASS_NET);
    assert_int_equal(waits[3].class, CT_CLASS_SYSCALL);
}

static void what_an_epoll_descriptor_watches_decides_the_class(void **state)
{
    struct fixture *fixture = *state;

    add_opening_call(fixture, 1001 * MS, CT_SYSCALL_epoll_create1, 0, 3);
    add_opening_call(fixture, 1002 * MS, CT_SYSCALL_timerfd_create, 0, 4);
    add_opening_call(fixture, 1003 * MS, CT_SYSCALL_socket, AF_UNIX, 5);
    add_entry(fixture, 1004 * MS, PID, CT_SYSCALL_epoll_ctl, 3, EPOLL_CTL_ADD, 4);
    add_exit(fixture, 1005 * MS, PID, 0);
    add_blocked_call(fixture, 1010 * MS, PID, CT_SYSCALL_epoll_pwait, 3, 0);
    add_entry(fixture, 1024 * MS, PID, CT_SYSCALL_epoll_ctl, 3, EPOLL_CTL_ADD, 5);
    add_exit(fixture, 1025 * MS, PID, 0);
    add_blocked_call(fixture, 1030 * MS, PID, CT_SYSCALL_epoll_pwait, 3, 0);
    const struct ct_interval *waits = finish(fixture, 2);

    assert_int_equal(waits[0].class, CT_CLASS_SLEEP);
    assert_int_equal(waits[1].class, CT_CLASS_NET);
}

static void an_argument_decides_what_some_calls_are(void **state)
{
    struct fixture *fixture = *state;

    add_blocked_call(fixture, 1010 * MS, PID, CT_SYSCALL_futex, 0x5000,
                     FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG);
    add_blocked_call(fixture, 1030 * MS, PID, CT_SYSCALL_fcntl, 3, F_SETLKW);
    add_blocked_call(fixture, 1050 * MS, PID, CT_SYSCALL_fcntl, 3, F_GETFL);
    add_blocked_call(fixture, 1070 * MS, PID, CT_SYSCALL_poll, 0x5000, 0);
    add_blocked_call(fixture, 1090 * MS, PID, CT_SYSCALL_poll, 0x5000, 2);
    const struct ct_interval *waits = finish(fixture, 5);

    assert_int_equal(waits[0].op, CT_OP_FUTEX_WAIT);
    assert_int_equal(waits[0].object, 0x5000);
    assert_int_equal(waits[1].op, CT_OP_FCNTL_LOCK);
    assert_int_equal(waits[2].op, CT_OP_OTHER_SYSCALL);
    assert_string_equal(waits[2].call_name, "call");
    assert_int_equal(waits[2].object, UINT64_C(0xb5167a90e83ba4a9)); /* the same in every run */
    assert_int_equal(waits[3].class, CT_CLASS_SLEEP);
    assert_int_equal(waits[4].class, CT_CLASS_NET);
    assert_int_equal(waits[4].object, 2);
}

static void a_call_that_a_signal_interrupted_goes_on(void **state)
{
    struct fixture *fixture = *state;

    add_blocked_call(fixture, 1010 * MS, PID, CT_SYSCALL_nanosleep, 0, 0);
    add_blocked_call(fixture, 1030 * MS, PID, CT_SYSCALL_restart_syscall, 0, 0);
    const struct ct_interval *waits = finish(fixture, 2);

    assert_int_equal(waits[1].op, CT_OP_NANOSLEEP);
    assert_int_equal(waits[1].wait_begin_ns, 1030 * MS);
}

#define RESTARTED_BY_KERNEL (-516)

static void one_that_goes_on_is_one_call(void **state)
{
    struct fixture *fixture = *state;

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_poll, 0, 0, 0);
    add_exit(fixture, 1020 * MS, PID, RESTARTED_BY_KERNEL);
    add_entry(fixture, 1030 * MS, PID, CT_SYSCALL_restart_syscall, 0, 0, 0);
    add_exit(fixture, 1035 * MS, PID, RESTARTED_BY_KERNEL);
    add_entry(fixture, 1040 * MS, PID, CT_SYSCALL_restart_syscall, 0, 0, 0);
    add_exit(fixture, 1042 * MS, PID, 0);
    finish(fixture, 0);
    const struct ct_op_counters *polls = ct_process_counters(process_at(fixture, 0), CT_OP_POLL);

    assert_int_equal(polls->calls, 1);
    assert_int_equal(polls->total_ns, 17 * MS);
}

static void one_that_a_handler_ends_is_one_call(void **state)
{
    struct fixture *fixture = *state;

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_poll, 0, 0, 0);
    add_exit(fixture, 1020 * MS, PID, RESTARTED_BY_KERNEL);
    add_entry(fixture, 1021 * MS, PID, CT_SYSCALL_read, 3, 0, 0);
    add_exit(fixture, 1022 * MS, PID, 1);
    add_entry(fixture, 1030 * MS, PID, CT_SYSCALL_poll, 0, 0, 0);
    add_exit(fixture, 1035 * MS, PID, RESTARTED_BY_KERNEL);
    finish(fixture, 0);
    const struct ct_process *process = process_at(fixture, 0);

    assert_int_equal(ct_process_counters(process, CT_OP_POLL)->calls, 2);
    assert_int_equal(ct_process_counters(process, CT_OP_POLL)->total_ns, 15 * MS);
    assert_int_equal(ct_process_counters(process, CT_OP_READ)->calls, 1);
}

static void one_that_goes_on_at_the_end_is_open(void **state)
{
    struct fixture *fixture = *state;

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_wait4, 8, 0, 0);
    add_switch(fixture, 1011 * MS, PID, 1, 0);
    add_image(fixture, 1050 * MS, 9, 1, "other");
    const struct ct_interval *wait = finish(fixture, 1);

    assert_true(wait->is_open);
    assert_int_equal(wait->wait_begin_ns, 1010 * MS);
    assert_int_equal(wait->wait_end_ns, 1050 * MS);
    assert_int_equal(ct_process_counters(process_at(fixture, 0), CT_OP_WAITPID)->calls, 1);
}

/* It was there, in a call, and nothing more is heard of it. */
static void a_thread_that_sleeps_throughout_waits_throughout(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_kernel_record is_there = {
        .event = CT_KERNEL_ID_PROCESS_THREAD,
        .as.process_thread = {.pid = PID, .tid = PID + 1, .name = ""}};
    struct ct_kernel_record is_blocked = is_there;

    is_blocked.as.process_thread.is_blocked = TRUE;
    is_blocked.as.process_thread.name = "sleeper";
    add(fixture, 1001 * MS, PID + 1, &is_there);
    add_entry(fixture, 1001 * MS, PID + 1, CT_SYSCALL_futex, 0x5000, FUTEX_WAIT, 0);
    add(fixture, 1001 * MS, PID + 1, &is_blocked);
    add_image(fixture, 1050 * MS, 9, 1, "other");
    const struct ct_interval *wait = finish(fixture, 1);

    assert_true(wait->is_open);
    assert_int_equal(wait->op, CT_OP_FUTEX_WAIT);
    assert_int_equal(wait->wait_begin_ns, 1001 * MS);
    assert_int_equal(wait->thread->class_ns[CT_CLASS_SYNC], 49 * MS);
    assert_string_equal(wait->thread->name, "sleeper");
}

/* Thread PID + 1 was there at 1001 ms. */
static void add_present(struct fixture *fixture, gboolean is_blocked)
{
    struct ct_kernel_record record = {
        .event = CT_KERNEL_ID_PROCESS_THREAD,
        .as.process_thread = {.pid = PID, .tid = PID + 1, .name = ""}};

    add(fixture, 1001 * MS, PID + 1, &record);
    record.as.process_thread.name = "worker";
    record.as.process_thread.is_blocked = is_blocked;
    add(fixture, 1001 * MS, PID + 1, &record);
}

/* It gets a CPU and is preempted after a microsecond, each microsecond from here on. */
static void add_turns(struct fixture *fixture, uint64_t time_ns, int count)
{
    for (int i = 0; i < count; i++, time_ns += 2000) {
        add_switch(fixture, time_ns, 0, 0, PID + 1);
        add_switch(fixture, time_ns + 1000, PID + 1, 0, 0);
    }
}

/* Of its first spans none is kept by the end: see SPANS_KEPT in task.c. */
static void a_thread_that_was_there_ready_to_run_was_runnable(void **state)
{
    struct fixture *fixture = *state;

    add_present(fixture, FALSE);
    add_turns(fixture, 1010 * MS, 1000);
    add_image(fixture, 1012 * MS, 9, 1, "other");
    finish(fixture, 0);
    const struct ct_thread *thread = thread_of(process_at(fixture, 0), PID + 1);

    assert_int_equal(thread->sched.runnable_ns, 10 * MS);
    assert_int_equal(thread->sched.running_ns, 1 * MS);
    assert_int_equal(thread->sched.blocked_ns, 0);
    assert_int_equal(thread->class_ns[CT_CLASS_RUNNABLE], 10 * MS);
    assert_int_equal(thread->class_ns[CT_CLASS_RUNNING], 1 * MS);
}

/* Whatever /proc said some moments later. */
static void a_thread_that_was_there_running_ran(void **state)
{
    for (int is_blocked = 0; is_blocked < 2; is_blocked++) {
        void *fresh;

        setup(&fresh);
        add_present(fresh, is_blocked);
        add_switch(fresh, 1005 * MS, PID + 1, 1, 0);
        add_image(fresh, 1012 * MS, 9, 1, "other");
        finish(fresh, 0);
        const struct ct_thread *thread = thread_of(process_at(fresh, 0), PID + 1);

        assert_int_equal(thread->sched.running_ns, 4 * MS);
        assert_int_equal(thread->sched.blocked_ns, 7 * MS);
        assert_int_equal(thread->sched.unknown_ns, 0);
        teardown(&fresh);
    }
    (void)state;
}

static void threads_begin_and_end_as_the_kernel_tells(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_kernel_record exit = {.event = CT_KERNEL_ID_SCHED_PROCESS_EXIT,
                                          .as.sched_process_exit.tid = PID + 1};

    add_fork(fixture, 1010 * MS, PID, PID + 1);
    add_switch(fixture, 1011 * MS, 0, 0, PID + 1);
    add_blocked_call(fixture, 1020 * MS, PID + 1, CT_SYSCALL_nanosleep, 0, 0);
    add(fixture, 1040 * MS, PID + 1, &exit);
    add_switch(fixture, 1041 * MS, PID + 1, 0x10, 0);
    add_image(fixture, 1050 * MS, PID, 1, "next");
    finish(fixture, 1);
    const struct ct_thread *thread = thread_of(process_at(fixture, 0), PID + 1);
    uint64_t sum_ns = 0;

    assert_int_equal(thread->start_ns, 1010 * MS);
    assert_int_equal(thread->end_ns, 1040 * MS);
    assert_string_equal(thread->name, "worker");
    for (size_t i = 0; i < CT_CLASS_COUNT; i++)
        sum_ns += thread->class_ns[i];
    assert_int_equal(sum_ns, 30 * MS);
    assert_int_equal(thread->class_ns[CT_CLASS_SLEEP], 10 * MS - 2000);
    assert_int_equal(thread->class_ns[CT_CLASS_RUNNABLE], 1 * MS);
}

static void a_child_is_its_parents_image_with_its_descriptors(void **state)
{
    struct fixture *fixture = *state;

    add_opening_call(fixture, 1001 * MS, CT_SYSCALL_socket, AF_INET, 3);
    add_fork(fixture, 1010 * MS, 8, 8);
    add_image(fixture, 1010 * MS, 8, PID, "");
    add_switch(fixture, 1011 * MS, PID, 1, 8);
    add_blocked_call(fixture, 1020 * MS, 8, CT_SYSCALL_read, 3, 0);
    assert_int_equal(finish(fixture, 1)->class, CT_CLASS_NET);
    assert_string_equal(process_at(fixture, 1)->name, "server");
    assert_int_equal(process_at(fixture, 1)->ppid, PID);
}

static void without_calls_time_off_the_cpu_is_unknown(void **state)
{
    struct fixture *fixture = *state;

    add_switch(fixture, 1010 * MS, PID, 1, 0);
    add_switch(fixture, 1030 * MS, 0, 0, PID);
    add_switch(fixture, 1040 * MS, PID, 1, 0);
    add_image(fixture, 1040 * MS, PID, 1, "next");
    finish(fixture, 0);
    const struct ct_thread *thread = thread_of(process_at(fixture, 0), PID);

    assert_int_equal(thread->class_ns[CT_CLASS_UNKNOWN], 20 * MS);
    assert_int_equal(thread->class_ns[CT_CLASS_OTHER], 0);
    assert_int_equal(thread->class_ns[CT_CLASS_RUNNING], 20 * MS);
}

/* ---- With a preload, whose process has pid 20. ---- */

static void add_preloaded(struct fixture *fixture)
{
    const struct ct_record start = {.event = CT_EVENT_ID_PROCESS_START,
                                    .time_ns = 1000 * MS,
                                    .pid = 20,
                                    .tid = 20,
                                    .as.process_start = {.schema_version = CT_SCHEMA_VERSION,
                                                         .process_start_ns = 1000 * MS,
                                                         .rate_ns = 10000,
                                                         .exe = "/bin/program",
                                                         .args = "program",
                                                         .cwd = "/"}};

    add_switch(fixture, 1000 * MS, 0, 0, 20);
    assert_true(ct_assembler_add(fixture->assembler, &start, NULL));
}

static void add_preloads_wait(struct fixture *fixture, uint64_t time_ns, uint64_t duration_ns)
{
    const struct ct_record wait = {.event = CT_EVENT_ID_WAIT,
                                   .time_ns = time_ns,
                                   .pid = 20,
                                   .tid = 20,
                                   .as.wait = {.duration_ns = (uint32_t)duration_ns,
                                               .op = CT_OP_NANOSLEEP,
                                               .class = CT_CLASS_SLEEP}};

    assert_true(ct_assembler_add(fixture->assembler, &wait, NULL));
}

static void a_wait_that_both_tell_of_counts_once(void **state)
{
    struct fixture *fixture = *state;

    add_preloaded(fixture);
    add_blocked_call(fixture, 1010 * MS, 20, CT_SYSCALL_nanosleep, 0, 0);
    add_preloads_wait(fixture, 1020 * MS + 500, 10 * MS + 1000);
    const struct ct_interval *wait = finish(fixture, 1);

    assert_int_equal(wait->stack_id, 0); /* the preload's, which had none */
}

static void it_does_so_where_clocks_differ(void **state)
{
    struct fixture *fixture = *state;

    add_preloaded(fixture);
    add_entry(fixture, 1010 * MS, 20, CT_SYSCALL_nanosleep, 0, 0, 0);
    add_switch(fixture, 1010 * MS + 1000, 20, 1, 0);
    add_switch(fixture, 1020 * MS - 1000, 0, 0, 20);
    add_preloads_wait(fixture, 1020 * MS - 500, 10 * MS);
    add_exit(fixture, 1020 * MS, 20, 0);
    finish(fixture, 1);
}

static void a_wait_that_only_the_kernel_tells_of_counts(void **state)
{
    struct fixture *fixture = *state;

    add_preloaded(fixture);
    add_blocked_call(fixture, 1010 * MS, 20, CT_SYSCALL_wait4, 0, 0);
    add_blocked_call(fixture, 1030 * MS, 20, CT_SYSCALL_nanosleep, 0, 0);
    add_preloads_wait(fixture, 1040 * MS + 500, 10 * MS + 1000);
    add_blocked_call(fixture, 1050 * MS, 20, CT_SYSCALL_wait4, 0, 0);
    add_image(fixture, 1070 * MS, 9, 1, "other");
    const struct ct_interval *waits = finish(fixture, 3);

    assert_int_equal(waits[0].op, CT_OP_WAITPID);
    assert_int_equal(waits[0].wait_begin_ns, 1010 * MS);
    assert_true(waits[0].stack_id != 0);
    assert_int_equal(waits[1].op, CT_OP_NANOSLEEP);
    assert_int_equal(waits[2].op, CT_OP_WAITPID);
}

static void what_goes_on_at_the_end_counts_once_too(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record inflight = {.event = CT_EVENT_ID_INFLIGHT,
                                       .time_ns = 1060 * MS,
                                       .as.inflight = {.pid = 20,
                                                       .process_start_ns = 1000 * MS,
                                                       .tid = 20,
                                                       .since_ns = 1010 * MS - 1000,
                                                       .duration_ns = 10 * MS,
                                                       .op = CT_OP_NANOSLEEP,
                                                       .class = CT_CLASS_SLEEP,
                                                       .is_open = 1}};

    add_preloaded(fixture);
    add_blocked_call(fixture, 1010 * MS, 20, CT_SYSCALL_nanosleep, 0, 0);
    assert_true(ct_assembler_add(fixture->assembler, &inflight, NULL));
    assert_true(finish(fixture, 1)->is_open);
}

static void calls_after_the_preloads_last_word_are_not_of_the_thread(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_record process_exit = {
        .event = CT_EVENT_ID_PROCESS_EXIT, .time_ns = 1025 * MS, .pid = 20, .tid = 20};

    add_preloaded(fixture);
    add_blocked_call(fixture, 1010 * MS, 20, CT_SYSCALL_wait4, 0, 0);
    assert_true(ct_assembler_add(fixture->assembler, &process_exit, NULL));
    add_blocked_call(fixture, 1030 * MS, 20, CT_SYSCALL_wait4, 0, 0);
    assert_int_equal(finish(fixture, 1)->wait_begin_ns, 1010 * MS);
    assert_int_equal(thread_of(process_at(fixture, 1), 20)->end_ns, 1025 * MS);
}

static void add_preloads_exec(struct fixture *fixture, uint64_t time_ns)
{
    const struct ct_record exec = {.event = CT_EVENT_ID_EXEC,
                                   .time_ns = time_ns,
                                   .pid = 20,
                                   .tid = 20,
                                   .as.exec = {.path = "other"}};

    assert_true(ct_assembler_add(fixture->assembler, &exec, NULL));
}

static void add_exec(struct fixture *fixture, uint64_t time_ns)
{
    const struct ct_kernel_record exec = {
        .event = CT_KERNEL_ID_SCHED_PROCESS_EXEC,
        .as.sched_process_exec = {.filename = "other", .tid = 20}};

    add(fixture, time_ns, 20, &exec);
}

static void calls_after_an_exec_are_not_the_old_images(void **state)
{
    struct fixture *fixture = *state;

    add_preloaded(fixture);
    add_blocked_call(fixture, 1010 * MS, 20, CT_SYSCALL_wait4, 0, 0);
    add_entry(fixture, 1030 * MS, 20, CT_SYSCALL_nanosleep, 0, 0, 0);
    add_switch(fixture, 1031 * MS, 20, 1, 0);
    add_switch(fixture, 1032 * MS, 0, 0, 20);
    add_preloads_exec(fixture, 1040 * MS);
    add_exec(fixture, 1042 * MS);
    add_exit(fixture, 1043 * MS, 20, 0);
    add_blocked_call(fixture, 1050 * MS, 20, CT_SYSCALL_wait4, 0, 0);
    assert_int_equal(finish(fixture, 1)->wait_begin_ns, 1010 * MS);
}

static void time_in_an_exec_is_not_the_old_images(void **state)
{
    struct fixture *fixture = *state;

    add_preloaded(fixture);
    add_preloads_exec(fixture, 1040 * MS);
    add_switch(fixture, 1042 * MS, 20, 0, 21);
    add_switch(fixture, 1045 * MS, 21, 0, 20);
    add_exec(fixture, 1048 * MS);
    add_image(fixture, 1048 * MS, 20, 1, "other");
    add_switch(fixture, 1060 * MS, 20, 1, 0);
    finish(fixture, 0);
    const struct ct_thread *before = thread_of(process_at(fixture, 1), 20);

    assert_int_equal(before->end_ns, 1040 * MS);
    assert_int_equal(before->sched.queued.total_ns, 0);
    assert_int_equal(before->sched.runnable_ns, 0);
}

static void lose(struct fixture *fixture, uint64_t begin_ns, gboolean has_calls)
{
    const struct ct_kernel_loss loss = {.begin_ns = begin_ns,
                                        .end_ns = begin_ns + 3 * MS,
                                        .cpu = CPU,
                                        .has_calls = has_calls,
                                        .has_switches = !has_calls};

    ct_assembler_lose(fixture->assembler, &loss);
}

/* In a call until 1050 ms, its name the last thing that is told. */
static void add_named_exit(struct fixture *fixture, const char *name)
{
    const struct ct_kernel_record exit = {.event = CT_KERNEL_ID_SYSCALL_EXIT,
                                          .as.syscall.name = name};

    add(fixture, 1050 * MS, PID, &exit);
}

static uint64_t class_ns(const struct fixture *fixture, enum ct_class class)
{
    return thread_of(process_at(fixture, 0), PID)->class_ns[class];
}

static void one_who_is_blocked_while_calls_are_lost_stays_in_its_call(void **state)
{
    struct fixture *fixture = *state;

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_nanosleep, 0, 0, 0);
    add_switch(fixture, 1011 * MS, PID, 1, 0);
    lose(fixture, 1020 * MS, TRUE);
    add_image(fixture, 1050 * MS, 9, 1, "other");
    assert_true(finish(fixture, 1)->is_open);
    assert_int_equal(class_ns(fixture, CT_CLASS_SLEEP), 39 * MS);
}

static void switches_that_are_lost_end_no_call(void **state)
{
    static const uint64_t addresses[] = {0x1001};
    const struct ct_kernel_record callers = {
        .event = CT_KERNEL_ID_CALLSTACK_USER,
        .as.callstack_user = {.tid = PID, .is_by_frame_pointers = 1, .addresses = {addresses, 1}}};
    struct fixture *fixture = *state;

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_nanosleep, 0, 0, 0);
    lose(fixture, 1010 * MS, FALSE);
    add(fixture, 1011 * MS, PID, &callers);
    add_switch(fixture, 1050 * MS, 0, 0, PID);
    add_named_exit(fixture, "call");
    finish(fixture, 1);
    assert_int_equal(class_ns(fixture, CT_CLASS_SLEEP), 40 * MS);
    assert_int_equal(class_ns(fixture, CT_CLASS_OTHER), 0);
}

/* It was on the CPU while calls made there were lost, and back in one, or still, after that. */
static void add_doubtful_call(struct fixture *fixture)
{
    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_nanosleep, 0, 0, 0);
    add_switch(fixture, 1011 * MS, PID, 1, 0);
    lose(fixture, 1020 * MS, TRUE);
    add_switch(fixture, 1021 * MS, 0, 0, PID);
    add_switch(fixture, 1022 * MS, PID, 1, 0);
    add_switch(fixture, 1050 * MS, 0, 0, PID);
}

static void a_call_whose_own_exit_follows_a_loss_is_kept(void **state)
{
    struct fixture *fixture = *state;

    add_doubtful_call(fixture);
    add_named_exit(fixture, "call");
    assert_int_equal(finish(fixture, 2)->wait_begin_ns, 1010 * MS);
    assert_int_equal(class_ns(fixture, CT_CLASS_SLEEP), 38 * MS);
    assert_int_equal(class_ns(fixture, CT_CLASS_UNKNOWN), 0);
}

static void what_it_waited_for_is_unknown_if_another_calls_exit_does(void **state)
{
    struct fixture *fixture = *state;

    add_doubtful_call(fixture);
    add_named_exit(fixture, "another");
    add_blocked_call(fixture, 1060 * MS, PID, CT_SYSCALL_nanosleep, 0, 0);
    assert_int_equal(finish(fixture, 1)->wait_begin_ns, 1060 * MS);
    assert_int_equal(class_ns(fixture, CT_CLASS_UNKNOWN), 38 * MS);
    assert_int_equal(class_ns(fixture, CT_CLASS_OTHER), 0);
    assert_int_equal(ct_process_counters(process_at(fixture, 0), CT_OP_NANOSLEEP)->calls, 1);
}

/* Here is the only CPU that is told of, and calls are lost on another. */
static void calls_that_another_cpu_loses_are_not_of_who_runs_here(void **state)
{
    const struct ct_kernel_loss loss = {
        .begin_ns = 1011 * MS, .end_ns = 1040 * MS, .cpu = CPU + 1, .has_calls = TRUE};
    struct fixture *fixture = *state;

    add_entry(fixture, 1010 * MS, PID, CT_SYSCALL_nanosleep, 0, 0, 0);
    ct_assembler_lose(fixture->assembler, &loss);
    add_switch(fixture, 1020 * MS, PID, 1, 0);
    add_image(fixture, 1050 * MS, 9, 1, "other");
    assert_true(finish(fixture, 1)->is_open);
    assert_int_equal(class_ns(fixture, CT_CLASS_SLEEP), 30 * MS);
}

/* As a reader does that looks for a stream's next event. */
static void a_loss_that_is_told_early_is_none_of_what_comes_before_it(void **state)
{
    struct fixture *fixture = *state;

    lose(fixture, 1060 * MS, FALSE);
    add_blocked_call(fixture, 1030 * MS, PID, CT_SYSCALL_nanosleep, 0, 0);
    add_switch(fixture, 1055 * MS, PID, 1, 0);
    add_image(fixture, 1065 * MS, 9, 1, "other");
    finish(fixture, 1);
    assert_int_equal(thread_of(process_at(fixture, 0), PID)->sched.unknown_ns, 5 * MS);
}

static void so_it_is_if_none_does(void **state)
{
    struct fixture *fixture = *state;

    add_blocked_call(fixture, 1001 * MS - 500000, PID, CT_SYSCALL_pause, 0, 0);
    add_entry(fixture, 1030 * MS, PID, CT_SYSCALL_nanosleep, 0, 0, 0);
    lose(fixture, 1030 * MS, TRUE);
    add_switch(fixture, 1031 * MS, PID, 1, 0);
    add_image(fixture, 1050 * MS, 9, 1, "other");
    finish(fixture, 1);
    assert_int_equal(class_ns(fixture, CT_CLASS_UNKNOWN), 19 * MS);
    assert_int_equal(class_ns(fixture, CT_CLASS_OTHER), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_blocks_is_a_wait_with_its_callers),
        TEST(one_that_does_not_block_is_only_counted),
        TEST(the_same_callers_are_one_stack),
        TEST(the_same_callers_in_another_library_are_another_stack),
        TEST(callers_end_with_the_programs_code),
        TEST(what_a_descriptor_is_decides_the_class),
        TEST(what_an_epoll_descriptor_watches_decides_the_class),
        TEST(an_argument_decides_what_some_calls_are),
        TEST(a_call_that_a_signal_interrupted_goes_on),
        TEST(one_that_goes_on_is_one_call),
        TEST(one_that_a_handler_ends_is_one_call),
        TEST(one_that_goes_on_at_the_end_is_open),
        TEST(a_thread_that_sleeps_throughout_waits_throughout),
        TEST(a_thread_that_was_there_ready_to_run_was_runnable),
        TEST(a_thread_that_was_there_running_ran),
        TEST(threads_begin_and_end_as_the_kernel_tells),
        TEST(a_child_is_its_parents_image_with_its_descriptors),
        TEST(without_calls_time_off_the_cpu_is_unknown),
        TEST(a_wait_that_both_tell_of_counts_once),
        TEST(it_does_so_where_clocks_differ),
        TEST(a_wait_that_only_the_kernel_tells_of_counts),
        TEST(what_goes_on_at_the_end_counts_once_too),
        TEST(calls_after_the_preloads_last_word_are_not_of_the_thread),
        TEST(calls_after_an_exec_are_not_the_old_images),
        TEST(time_in_an_exec_is_not_the_old_images),
        TEST(one_who_is_blocked_while_calls_are_lost_stays_in_its_call),
        TEST(switches_that_are_lost_end_no_call),
        TEST(a_call_whose_own_exit_follows_a_loss_is_kept),
        TEST(what_it_waited_for_is_unknown_if_another_calls_exit_does),
        TEST(a_loss_that_is_told_early_is_none_of_what_comes_before_it),
        TEST(so_it_is_if_none_does),
        TEST(calls_that_another_cpu_loses_are_not_of_who_runs_here),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
