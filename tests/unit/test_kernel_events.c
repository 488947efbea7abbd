/* What of perf's records becomes the kernel events of a trace: those of the program's tasks. */
#include "convert/events.h"
#include "convert/tasks.h"
#include "files/tree.h"
#include "spool/images.h"
#include "spool/spool.h"
#include "system/syscall_names.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define ROOT     100
#define STRANGER 50

/* The raw data of this test's own tracepoints. */
struct raw {
    uint16_t type;
    uint8_t flags;
    uint8_t pad;
    int32_t current;
    char first_name[16];
    int32_t first;
    int32_t first_prio;
    int64_t state;
    char second_name[16];
    int32_t second;
    int32_t second_prio;
    int64_t number;
    uint64_t arguments[CT_SYSCALL_ARGUMENTS]; /* or the result, first */
};

#define FIELD(member)                                                   \
    {                                                                   \
        offsetof(struct raw, member), sizeof(((struct raw *)0)->member) \
    }
#define SWITCH_ID 7
#define WAKING_ID 8
#define ENTER_ID  9
#define EXIT_ID   10

static const struct ct_formats formats = {
    .switch_id = SWITCH_ID,
    .waking_id = WAKING_ID,
    .enter_id = ENTER_ID,
    .exit_id = EXIT_ID,
    .common_type = FIELD(type),
    .common_flags = FIELD(flags),
    .common_pid = FIELD(current),
    .prev_comm = FIELD(first_name),
    .prev_pid = FIELD(first),
    .prev_prio = FIELD(first_prio),
    .prev_state = FIELD(state),
    .next_comm = FIELD(second_name),
    .next_pid = FIELD(second),
    .next_prio = FIELD(second_prio),
    .comm = FIELD(first_name),
    .pid = FIELD(first),
    .prio = FIELD(first_prio),
    .target_cpu = FIELD(second),
    .id = FIELD(number),
    .args = FIELD(arguments),
    .ret = FIELD(arguments[0]),
};

struct spool {
    char *path;
    FILE *files[3]; /* two CPUs', and what was present */
};

#define CPUS    2
#define PRESENT 2

/* Cleared: records of the program's tasks alone. */
static gboolean is_all_cpus = TRUE;

static void write_head(struct spool *spool, uint32_t index, uint32_t cpu, gboolean has_foreign_ids)
{
    g_autofree char *name = g_strdup_printf("%s/" CT_SPOOL_FOLDER "/file%u", spool->path, index);
    struct ct_spool_head head = {
        .magic = CT_SPOOL_MAGIC,
        .version = CT_SPOOL_VERSION,
        .cpu = cpu,
        .kind = is_all_cpus ? CT_RINGS_MACHINE : CT_RINGS_PROCESS,
        .has_foreign_ids = has_foreign_ids,
        .formats = formats,
    };

    spool->files[index] = fopen(name, "w");
    assert_non_null(spool->files[index]);
    fwrite(&head, sizeof(head), 1, spool->files[index]);
}

static struct spool new_spool(gboolean has_foreign_ids)
{
    struct spool spool = {.path = g_dir_make_tmp("ctrace-kernel-XXXXXX", NULL)};
    g_autofree char *folder = g_build_filename(spool.path, CT_SPOOL_FOLDER, NULL);

    g_mkdir_with_parents(folder, 0700);
    for (uint32_t cpu = 0; cpu < CPUS; cpu++)
        write_head(&spool, cpu, cpu, has_foreign_ids);
    write_head(&spool, PRESENT, CT_SPOOL_NO_CPU, has_foreign_ids);
    return spool;
}

static void put(FILE *file, uint32_t type, uint16_t misc, const void *body, size_t size)
{
    struct perf_event_header header = {type, misc, (uint16_t)(sizeof(header) + size)};

    fwrite(&header, sizeof(header), 1, file);
    fwrite(body, size, 1, file);
}

#define CALLS 1

/* As where system calls are recorded: they are in a file of their own. */
static struct spool new_spool_of_calls(void)
{
    struct spool spool = new_spool(FALSE);
    const uint32_t kind = CT_RINGS_CALLS;

    fseek(spool.files[CALLS], offsetof(struct ct_spool_head, kind), SEEK_SET);
    fwrite(&kind, sizeof(kind), 1, spool.files[CALLS]);
    fseek(spool.files[CALLS], 0, SEEK_END);
    return spool;
}

/* With callers: two of the kernel's and two of the program's, as perf tells them apart. */
static void put_sample_with_callers(struct spool *spool, uint64_t time_ns, int32_t tid,
                                    const struct raw *raw)
{
    struct {
        int32_t pid, tid;
        uint64_t time_ns;
        uint64_t caller_count;
        uint64_t callers[6];
        uint32_t size;
        char raw[sizeof(*raw) + 4];
    } __attribute__((packed)) body = {tid,
                                      tid,
                                      time_ns,
                                      6,
                                      {(uint64_t)PERF_CONTEXT_KERNEL, 0xffff1, 0xffff2,
                                       (uint64_t)PERF_CONTEXT_USER, 0x1001, 0x2002},
                                      sizeof(body.raw),
                                      {0}};

    memcpy(body.raw, raw, sizeof(*raw));
    put(spool->files[CALLS], PERF_RECORD_SAMPLE, 0, &body, sizeof(body));
}

static void put_call(struct spool *spool, uint64_t time_ns, int32_t pid, int64_t number)
{
    struct raw raw = {.type = ENTER_ID, .current = pid, .number = number};

    put_sample_with_callers(spool, time_ns, pid, &raw);
}

/* As an exec maps it: where 32 bits reach, or beyond. */
static void put_vdso(struct spool *spool, uint32_t file, uint64_t time_ns, int32_t pid,
                     gboolean is_32_bit)
{
    struct {
        int32_t pid, tid;
        uint64_t begin, size, file_offset;
        uint64_t device_and_build_id[3];
        uint32_t protection, flags;
        char path[8];
        int32_t current_pid, current_tid;
        uint64_t time_ns;
    } body = {.pid = pid,
              .tid = pid,
              .begin = is_32_bit ? UINT64_C(0xf7fc5000) : UINT64_C(0x7ffff7fc5000),
              .size = 0x2000,
              .path = "[vdso]",
              .current_pid = pid,
              .current_tid = pid,
              .time_ns = time_ns};

    put(spool->files[file], PERF_RECORD_MMAP2, 0, &body, sizeof(body));
}

static void put_exec(struct spool *spool, uint64_t time_ns, int32_t pid)
{
    struct {
        int32_t pid, tid;
        char name[8];
        int32_t current_pid, current_tid;
        uint64_t time_ns;
    } name = {pid, pid, "new", pid, pid, time_ns};

    put(spool->files[0], PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, &name, sizeof(name));
}

static void put_sample(struct spool *spool, uint32_t cpu, uint64_t time_ns, int32_t tid,
                       const struct raw *raw)
{
    struct {
        int32_t pid, tid;
        uint64_t time_ns;
        uint32_t size;
        char raw[sizeof(*raw) + 4];
    } __attribute__((packed)) body = {tid, tid, time_ns, sizeof(body.raw), {0}};

    memcpy(body.raw, raw, sizeof(*raw));
    put(spool->files[cpu], PERF_RECORD_SAMPLE, 0, &body, sizeof(body));
}

static void put_switch(struct spool *spool, uint32_t cpu, uint64_t time_ns, int32_t previous,
                       int32_t next)
{
    struct raw raw = {.type = SWITCH_ID,
                      .current = previous,
                      .first_name = "previous",
                      .first = previous,
                      .state = 1,
                      .second_name = "next",
                      .second = next};

    put_sample(spool, cpu, time_ns, previous, &raw);
}

static void put_task(struct spool *spool, uint32_t cpu, uint32_t type, uint64_t time_ns,
                     int32_t parent, int32_t pid, int32_t tid)
{
    struct {
        int32_t pid, parent_pid, tid, parent_tid;
        uint64_t time_ns;
        int32_t current_pid, current_tid;
        uint64_t sample_time_ns;
    } body = {pid, parent, tid, parent, time_ns, parent, parent, time_ns};

    put(spool->files[cpu], type, 0, &body, sizeof(body));
}

/* perf tells who came on a CPU; of leaving it, too. */
static void put_arrival(struct spool *spool, uint32_t cpu, uint64_t time_ns, int32_t previous,
                        int32_t next)
{
    struct {
        int32_t previous_pid, previous_tid, pid, tid;
        uint64_t time_ns;
    } body = {previous, previous, next, next, time_ns};

    put(spool->files[cpu], PERF_RECORD_SWITCH_CPU_WIDE, 0, &body, sizeof(body));
    body.previous_pid = body.previous_tid = next;
    body.pid = body.tid = previous;
    put(spool->files[cpu], PERF_RECORD_SWITCH_CPU_WIDE, PERF_RECORD_MISC_SWITCH_OUT, &body,
        sizeof(body));
}

/* The first switch: others' forks before it were before the recording. */
static void put_begin(struct spool *spool)
{
    put_switch(spool, 0, 1, STRANGER, STRANGER + 1);
}

static struct ct_kernel_events *open_events_of(struct spool *spool, int32_t root_pid,
                                               gboolean follows_children)
{
    for (size_t i = 0; i < G_N_ELEMENTS(spool->files); i++)
        fclose(spool->files[i]);
    const struct ct_kernel_scope scope = {
        .root_pid = root_pid,
        .follows_children = follows_children,
        .stack_frames = CT_STACK_DEFAULT_FRAMES,
    };

    return ct_kernel_events_open(spool->path, &scope);
}

static struct ct_kernel_events *open_events(struct spool *spool, gboolean follows_children)
{
    return open_events_of(spool, ROOT, follows_children);
}

static void end(struct spool *spool, struct ct_kernel_events *events)
{
    ct_kernel_events_free(events);
    ct_tree_remove(spool->path);
    g_free(spool->path);
}

static void expect_switch(struct ct_kernel_events *events, uint64_t time_ns, int32_t previous,
                          int32_t next)
{
    struct ct_kernel_item item;

    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_SCHED_SWITCH);
    assert_int_equal(item.record.time_ns, time_ns);
    assert_int_equal(item.record.as.sched_switch.prev_tid, previous);
    assert_int_equal(item.record.as.sched_switch.next_tid, next);
}

static void expect(struct ct_kernel_events *events, enum ct_kernel_event event)
{
    struct ct_kernel_item item;

    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, event);
}

static void expect_image(struct ct_kernel_events *events, uint64_t time_ns, int32_t pid,
                         int32_t parent, const char *name)
{
    struct ct_kernel_item item;

    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_PROCESS_IMAGE);
    assert_int_equal(item.record.time_ns, time_ns);
    assert_int_equal(item.record.as.process_image.pid, pid);
    assert_int_equal(item.record.as.process_image.ppid, parent);
    assert_int_equal(item.record.as.process_image.start_ns, time_ns);
    assert_string_equal(item.record.as.process_image.args, name);
}

static void expect_end(struct ct_kernel_events *events)
{
    struct ct_kernel_item item;

    assert_false(ct_kernel_events_next(events, &item));
}

static void strangers_are_left_out_but_for_who_ran_instead(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_switch(&spool, 0, 10, STRANGER, ROOT);
    put_switch(&spool, 0, 20, ROOT, STRANGER);
    put_switch(&spool, 0, 30, STRANGER, STRANGER + 1);
    struct raw waking = {.type = WAKING_ID, .current = ROOT, .first = STRANGER};
    put_sample(&spool, 0, 40, ROOT, &waking);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 10, STRANGER, ROOT);
    expect_switch(events, 20, ROOT, STRANGER);
    expect_end(events);
    end(&spool, events);
}

static void cpus_are_merged_by_time(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_switch(&spool, 1, 10, 0, ROOT);
    put_switch(&spool, 1, 40, ROOT, 0);
    put_switch(&spool, 0, 20, 0, ROOT);
    put_switch(&spool, 0, 30, ROOT, 0);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 10, 0, ROOT);
    expect_switch(events, 20, 0, ROOT);
    expect_switch(events, 30, ROOT, 0);
    expect_switch(events, 40, ROOT, 0);
    expect_end(events);
    end(&spool, events);
}

static void children_are_the_programs_from_their_fork_on(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_switch(&spool, 0, 10, 0, ROOT + 1); /* somebody else's, then */
    put_task(&spool, 0, PERF_RECORD_FORK, 20, ROOT, ROOT + 1, ROOT + 1);
    put_switch(&spool, 1, 30, 0, ROOT + 1);
    put_task(&spool, 1, PERF_RECORD_EXIT, 40, ROOT, ROOT + 1, ROOT + 1);
    put_switch(&spool, 1, 50, ROOT + 1, 0); /* it has still to leave the CPU */
    put_task(&spool, 0, PERF_RECORD_FORK, 60, STRANGER, ROOT + 1, ROOT + 1);
    put_switch(&spool, 0, 70, 0, ROOT + 1); /* the id is another's now */
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_image(events, 20, ROOT + 1, ROOT, "");
    expect_switch(events, 30, 0, ROOT + 1);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXIT);
    expect_switch(events, 50, ROOT + 1, 0);
    expect_end(events);
    end(&spool, events);
}

static void threads_are_followed_where_children_are_not(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_begin(&spool);
    put_task(&spool, 0, PERF_RECORD_FORK, 10, ROOT, ROOT, ROOT + 1);
    put_task(&spool, 0, PERF_RECORD_FORK, 20, ROOT, ROOT + 2, ROOT + 2);
    put_switch(&spool, 0, 30, 0, ROOT + 2);
    put_switch(&spool, 1, 40, 0, ROOT + 1);
    struct ct_kernel_events *events = open_events(&spool, FALSE);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_switch(events, 40, 0, ROOT + 1);
    expect_end(events);
    end(&spool, events);
}

static void what_was_present_is_the_programs(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_switch(&spool, 0, 10, 0, ROOT); /* not recorded yet */
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, 1, ROOT, ROOT);
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, ROOT, ROOT, ROOT + 1);
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, 1, ROOT + 10, ROOT + 10);
    put_switch(&spool, 0, 30, STRANGER, ROOT + 1);
    put_switch(&spool, 1, 40, 0, ROOT + 10);
    put_task(&spool, 1, PERF_RECORD_FORK, 50, ROOT + 10, ROOT + 10, ROOT + 11);
    put_task(&spool, 1, PERF_RECORD_FORK, 60, ROOT + 10, ROOT + 12, ROOT + 12);
    put_switch(&spool, 1, 70, ROOT + 10, ROOT + 12); /* a child, and they are left alone */
    put_switch(&spool, 1, 80, ROOT + 12, ROOT + 11);
    put_switch(&spool, 0, 90, STRANGER, STRANGER + 1);
    struct ct_kernel_events *events = open_events_of(&spool, 0, FALSE);
    assert_int_equal(ct_kernel_events_cpu_count(events), CPUS + 1);
    expect_image(events, 20, ROOT, 1, "");
    expect(events, CT_KERNEL_ID_PROCESS_THREAD);
    expect_image(events, 20, ROOT + 10, 1, "");
    expect_switch(events, 30, STRANGER, ROOT + 1);
    expect_switch(events, 40, 0, ROOT + 10);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_switch(events, 70, ROOT + 10, ROOT + 12);
    expect_switch(events, 80, ROOT + 12, ROOT + 11);
    expect_end(events);
    end(&spool, events);
}

static void put_task_switch(struct spool *spool, uint64_t time_ns, int32_t tid, gboolean is_out)
{
    struct {
        int32_t pid, tid;
        uint64_t time_ns;
    } body = {ROOT, tid, time_ns};

    put(spool->files[0], PERF_RECORD_SWITCH, is_out ? PERF_RECORD_MISC_SWITCH_OUT : 0, &body,
        sizeof(body));
}

static void expect_task_switch(struct ct_kernel_events *events, uint64_t time_ns, gboolean is_out)
{
    struct ct_kernel_item item;

    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_CONTEXT_SWITCH);
    assert_int_equal(item.record.time_ns, time_ns);
    assert_int_equal(item.record.as.context_switch.is_out, is_out);
}

/* A thread has its own event and the one it inherited, if it was made while attached to. */
static void what_two_events_tell_is_taken_once(void **state)
{
    is_all_cpus = FALSE;
    struct spool spool = new_spool(FALSE);
    is_all_cpus = TRUE;

    (void)state;
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 5, 1, ROOT, ROOT);
    put_task_switch(&spool, 10, ROOT, FALSE);
    put_task_switch(&spool, 11, ROOT, FALSE);
    put_task(&spool, 0, PERF_RECORD_FORK, 20, ROOT, ROOT, ROOT + 1);
    put_task(&spool, 0, PERF_RECORD_FORK, 21, ROOT, ROOT, ROOT + 1);
    put_task(&spool, 0, PERF_RECORD_FORK, 22, ROOT, ROOT, ROOT + 2);
    put_task_switch(&spool, 30, ROOT, TRUE);
    put_task_switch(&spool, 31, ROOT, TRUE);
    put_task_switch(&spool, 40, STRANGER, FALSE); /* of a child that is left alone */
    put_task_switch(&spool, 50, ROOT + 1, FALSE);
    put_task_switch(&spool, 60, ROOT + 1, TRUE);
    put_task_switch(&spool, 1000000, ROOT + 1, TRUE); /* the switch between was lost */
    struct ct_kernel_events *events = open_events_of(&spool, 0, TRUE);
    expect_image(events, 5, ROOT, 1, "");
    expect_task_switch(events, 10, FALSE);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_task_switch(events, 30, TRUE);
    expect_task_switch(events, 50, FALSE);
    expect_task_switch(events, 60, TRUE);
    expect_task_switch(events, 1000000, TRUE);
    expect_end(events);
    end(&spool, events);
}

static void put_blocked(struct spool *spool, int64_t number)
{
    struct {
        struct ct_spool_task task;
        struct ct_spool_id id;
    } blocked = {{.pid = ROOT,
                  .tid = ROOT,
                  .is_blocked = TRUE,
                  .has_call = TRUE,
                  .number = number,
                  .arguments = {0x5000}},
                 {ROOT, ROOT, 5}};

    put(spool->files[PRESENT], CT_SPOOL_TASK, 0, &blocked, sizeof(blocked));
}

/* With the call that it is in, if any. */
static void what_a_present_thread_does_is_told(void **state)
{
    struct spool spool = new_spool_of_calls();
    struct ct_kernel_item item;

    (void)state;
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 5, 1, ROOT, ROOT);
    put_blocked(&spool, SYS_futex);
    struct ct_kernel_events *events = open_events_of(&spool, 0, TRUE);
    expect_image(events, 5, ROOT, 1, "");
    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_SYSCALL_ENTRY);
    assert_int_equal(item.record.tid, ROOT);
    assert_int_equal(item.record.as.syscall.call, CT_SYSCALL_futex);
    assert_int_equal(item.record.as.syscall.arguments[0], 0x5000);
    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_PROCESS_THREAD);
    assert_true(item.record.as.process_thread.is_blocked);
    expect_end(events);
    end(&spool, events);
}

/* Its end would not be told. */
static void what_call_it_is_in_is_told_where_calls_are(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 5, 1, ROOT, ROOT);
    put_blocked(&spool, SYS_futex);
    struct ct_kernel_events *events = open_events_of(&spool, 0, TRUE);
    expect_image(events, 5, ROOT, 1, "");
    expect(events, CT_KERNEL_ID_PROCESS_THREAD);
    expect_end(events);
    end(&spool, events);
}

static void what_came_before_a_delay_was_over_is_told_as_present(void **state)
{
    struct spool spool = new_spool(FALSE);
    g_autoptr(GArray) preloaded = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    const struct ct_image_key seen = {ROOT + 5, 8};

    (void)state;
    put_exec(&spool, 1, ROOT);
    put_task(&spool, 0, PERF_RECORD_FORK, 2, ROOT, ROOT, ROOT + 1);
    put_task(&spool, 0, PERF_RECORD_FORK, 3, ROOT, ROOT, ROOT + 2);
    put_task(&spool, 0, PERF_RECORD_EXIT, 4, ROOT, ROOT, ROOT + 2);
    put_task(&spool, 0, PERF_RECORD_FORK, 5, ROOT, ROOT + 5, ROOT + 5);
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, 1, ROOT, ROOT);
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, ROOT, ROOT, ROOT + 1);
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, ROOT, ROOT + 5, ROOT + 5);
    put_task(&spool, 0, PERF_RECORD_FORK, 30, ROOT, ROOT, ROOT + 3);
    put_switch(&spool, 0, 40, STRANGER, ROOT + 1);
    g_array_append_val(preloaded, seen);
    assert_true(ct_preloaded_write(spool.path, preloaded));
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_image(events, 20, ROOT, 1, "");
    expect(events, CT_KERNEL_ID_PROCESS_THREAD);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_switch(events, 40, STRANGER, ROOT + 1);
    expect_end(events);
    assert_int_equal(ct_kernel_events_unpreloaded_images(events), 1);
    assert_int_equal(ct_kernel_events_unpreloaded_threads(events), 3);
    end(&spool, events);
}

/* It was made while what is present was looked up. */
static void who_is_made_meanwhile_was_not_present(void **state)
{
    struct spool spool = new_spool(FALSE);
    struct {
        struct ct_spool_task task;
        struct ct_spool_id id;
    } blocked = {{.pid = ROOT, .tid = ROOT + 1, .is_blocked = TRUE}, {ROOT, ROOT + 1, 20}};

    (void)state;
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, 1, ROOT, ROOT);
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, ROOT, ROOT, ROOT + 1);
    put(spool.files[PRESENT], CT_SPOOL_TASK, 0, &blocked, sizeof(blocked));
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 20, ROOT, ROOT, ROOT + 2);
    put_task(&spool, 0, PERF_RECORD_FORK, 21, ROOT, ROOT, ROOT + 1);
    put_task(&spool, 0, PERF_RECORD_EXIT, 30, ROOT, ROOT, ROOT + 2);
    put_task(&spool, 0, PERF_RECORD_FORK, 40, ROOT, ROOT, ROOT + 2); /* the id is another's now */
    struct ct_kernel_events *events = open_events_of(&spool, 0, TRUE);
    expect_image(events, 20, ROOT, 1, "");
    expect(events, CT_KERNEL_ID_PROCESS_THREAD);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXIT);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_end(events);
    assert_int_equal(ct_kernel_events_unpreloaded_threads(events), 4);
    end(&spool, events);
}

/* Hours, if each looked at all that were before. */
static void a_storm_of_processes_takes_each_as_long(void **state)
{
    struct ct_tasks *tasks = ct_tasks_new(ROOT, TRUE);
    const int32_t count = 1000000;

    (void)state;
    for (int32_t pid = ROOT + 1; pid <= ROOT + count; pid++) {
        assert_true(ct_tasks_fork(tasks, ROOT, pid, pid));
        assert_true(ct_tasks_exec(tasks, pid));
        ct_tasks_exit(tasks, pid);
    }
    assert_false(ct_tasks_exec(tasks, ROOT + 1)); /* it has ended */
    assert_true(ct_tasks_has(tasks, ROOT + count));
    ct_tasks_free(tasks);
}

/* All of its threads but the one that does, which takes its id. */
static void who_executes_a_program_ends_all_threads(void **state)
{
    struct ct_tasks *tasks = ct_tasks_new(ROOT, TRUE);

    (void)state;
    for (int32_t tid = ROOT + 1; tid <= ROOT + 3; tid++)
        assert_true(ct_tasks_fork(tasks, ROOT, ROOT, tid));
    assert_false(ct_tasks_fork(tasks, STRANGER, STRANGER, ROOT + 2)); /* the id is a stranger's */
    assert_false(ct_tasks_has(tasks, ROOT + 2));
    ct_tasks_exit(tasks, ROOT);
    assert_true(ct_tasks_exec(tasks, ROOT));
    assert_true(ct_tasks_has(tasks, ROOT));
    assert_false(ct_tasks_has(tasks, ROOT + 1));
    assert_false(ct_tasks_has(tasks, ROOT + 3));
    ct_tasks_free(tasks);
}

static void losses_are_told(void **state)
{
    struct spool spool = new_spool(FALSE);
    struct {
        uint64_t id, lost;
        int32_t pid, tid;
        uint64_t time_ns;
    } lost = {1, 12, ROOT, ROOT, 30};
    struct ct_kernel_item item;

    (void)state;
    put_switch(&spool, 0, 10, 0, ROOT);
    put(spool.files[0], PERF_RECORD_LOST, 0, &lost, sizeof(lost));
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 10, 0, ROOT);
    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.lost, 12);
    assert_int_equal(item.lost_since_ns, 10);
    assert_int_equal(item.record.time_ns, 30);
    expect_end(events);
    end(&spool, events);
}

/* In a container, tracepoints tell the machine's ids: here, all are greater by 1000. */
static void ids_of_another_namespace_are_translated(void **state)
{
    struct spool spool = new_spool(TRUE);
    struct raw raw = {.type = SWITCH_ID, .state = 1};

    (void)state;
    raw.current = raw.first = 0;
    raw.second = ROOT + 1000;
    put_sample(&spool, 0, 10, 0, &raw);
    put_task(&spool, 0, PERF_RECORD_FORK, 15, ROOT, ROOT, ROOT + 1);
    raw.current = raw.first = ROOT + 1000;
    raw.second = STRANGER + 1000;
    put_sample(&spool, 0, 20, ROOT, &raw);
    raw.current = raw.first = STRANGER + 1000;
    raw.second = ROOT + 1 + 1000;
    put_sample(&spool, 0, 30, 0, &raw);
    raw.current = raw.first = ROOT + 1 + 1000;
    raw.second = 0;
    put_sample(&spool, 0, 40, ROOT + 1, &raw);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 10, 0, ROOT);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_switch(events, 20, ROOT, 0);
    expect_switch(events, 30, 0, ROOT + 1);
    expect_switch(events, 40, ROOT + 1, 0);
    expect_end(events);
    end(&spool, events);
}

static void forks_before_the_recording_began_are_not_in_it(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_task(&spool, 0, PERF_RECORD_FORK, 10, ROOT, ROOT, ROOT + 1);
    put_switch(&spool, 1, 20, STRANGER, ROOT);
    put_task(&spool, 0, PERF_RECORD_FORK, 30, ROOT, ROOT, ROOT + 2);
    put_switch(&spool, 0, 40, ROOT + 1, 0); /* but whose it is is known */
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 20, STRANGER, ROOT);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect_switch(events, 40, ROOT + 1, 0);
    expect_end(events);
    end(&spool, events);
}

/* As some virtual machines have it: an idle task's tracepoints are silent. */
static void an_arrival_without_a_switch_is_one(void **state)
{
    struct spool spool = new_spool(FALSE);
    struct ct_kernel_item item;

    (void)state;
    put_switch(&spool, 0, 10, ROOT, 0);
    put_arrival(&spool, 0, 20, 0, ROOT);
    put_switch(&spool, 0, 30, ROOT, STRANGER);
    put_arrival(&spool, 0, 31, ROOT, STRANGER); /* was told */
    put_switch(&spool, 0, 40, STRANGER, 0);
    put_arrival(&spool, 0, 50, 0, ROOT); /* the last one has nothing after it */
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 10, ROOT, 0);
    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.time_ns, 20);
    assert_int_equal(item.record.as.sched_switch.prev_tid, 0);
    assert_string_equal(item.record.as.sched_switch.prev_comm, "swapper/0");
    assert_int_equal(item.record.as.sched_switch.next_tid, ROOT);
    assert_string_equal(item.record.as.sched_switch.next_comm, "previous");
    expect_switch(events, 30, ROOT, STRANGER);
    expect_switch(events, 50, 0, ROOT);
    expect_end(events);
    end(&spool, events);
}

static void an_arrival_in_another_namespace_is_translated(void **state)
{
    struct spool spool = new_spool(TRUE);
    struct raw raw = {.type = SWITCH_ID, .state = 1, .second = 0};

    (void)state;
    put_arrival(&spool, 0, 20, 0, ROOT);
    raw.current = raw.first = ROOT + 1000;
    put_sample(&spool, 0, 30, ROOT, &raw);
    put_arrival(&spool, 0, 40, 0, ROOT); /* and this one's id was never told */
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 20, 0, ROOT);
    expect_switch(events, 30, ROOT, 0);
    expect_end(events);
    end(&spool, events);
}

static void an_exec_by_another_thread_keeps_the_process(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_begin(&spool);
    put_task(&spool, 0, PERF_RECORD_FORK, 10, ROOT, ROOT, ROOT + 1);
    put_task(&spool, 0, PERF_RECORD_EXIT, 20, ROOT, ROOT, ROOT);
    put_exec(&spool, 30, ROOT);
    put_switch(&spool, 0, 40, ROOT, STRANGER);
    put_switch(&spool, 0, 50, ROOT + 1, STRANGER);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXIT);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXEC);
    expect_image(events, 30, ROOT, 0, "new");
    expect_switch(events, 40, ROOT, STRANGER);
    expect_end(events);
    end(&spool, events);
}

/* Of a child only if it does not go on to execute a program: that is an image of its own. */
static void images_are_told_unless_a_preload_tells_of_them(void **state)
{
    struct spool spool = new_spool(FALSE);
    g_autoptr(GArray) preloaded = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    const struct ct_image_key seen[] = {{ROOT, 12}, {ROOT + 2, 65}};

    (void)state;
    put_begin(&spool);
    put_exec(&spool, 10, ROOT); /* seen */
    put_task(&spool, 0, PERF_RECORD_FORK, 20, ROOT, ROOT + 1, ROOT + 1);
    put_exec(&spool, 30, ROOT + 1);                                          /* not preloaded */
    put_task(&spool, 0, PERF_RECORD_FORK, 40, ROOT + 1, ROOT + 1, ROOT + 3); /* its thread */
    put_task(&spool, 0, PERF_RECORD_FORK, 50, ROOT, ROOT + 2, ROOT + 2);
    put_exec(&spool, 60, ROOT + 2); /* seen, by the second of these */
    put_exec(&spool, 70, ROOT + 2); /* not preloaded */
    g_array_append_vals(preloaded, seen, G_N_ELEMENTS(seen));
    assert_true(ct_preloaded_write(spool.path, preloaded));
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXEC);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXEC);
    expect_image(events, 30, ROOT + 1, ROOT, "new");
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXEC);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXEC);
    expect_image(events, 70, ROOT + 2, ROOT, "new");
    expect_end(events);
    assert_int_equal(ct_kernel_events_unpreloaded_images(events), 2);
    assert_int_equal(ct_kernel_events_unpreloaded_threads(events), 3);
    end(&spool, events);
}

static void a_call_is_told_with_its_name_and_arguments(void **state)
{
    struct spool spool = new_spool_of_calls();
    struct ct_kernel_item item;

    (void)state;
    struct raw raw = {
        .type = ENTER_ID, .current = ROOT, .number = SYS_read, .arguments = {3, 0x5000, 16}};
    put_sample_with_callers(&spool, 10, ROOT, &raw);
    raw.current = STRANGER;
    put_sample_with_callers(&spool, 15, STRANGER, &raw);
    raw = (struct raw){
        .type = EXIT_ID, .current = ROOT, .number = SYS_read, .arguments = {(uint64_t)-EINTR}};
    put_sample_with_callers(&spool, 20, ROOT, &raw);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_SYSCALL_ENTRY);
    assert_int_equal(item.record.tid, ROOT);
    assert_int_equal(item.record.as.syscall.call, CT_SYSCALL_read);
    assert_string_equal(item.record.as.syscall.name, "read");
    assert_int_equal(item.record.as.syscall.arguments[1], 0x5000);
    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_SYSCALL_EXIT);
    assert_int_equal(item.record.as.syscall.result, -EINTR);
    expect_end(events);
    end(&spool, events);
}

static void expect_call(struct ct_kernel_events *events, uint64_t time_ns, const char *name,
                        enum ct_syscall call)
{
    struct ct_kernel_item item;

    do
        assert_true(ct_kernel_events_next(events, &item));
    while (item.record.event != CT_KERNEL_ID_SYSCALL_ENTRY);
    assert_int_equal(item.record.time_ns, time_ns);
    assert_string_equal(item.record.as.syscall.name, name);
    assert_int_equal(item.record.as.syscall.call, call);
}

#define I386_EXECVE          11
#define I386_CLOCK_NANOSLEEP 407 /* clock_nanosleep_time64 */
#define I386_NANOSLEEP       162
#define I386_SOCKETCALL      102
#define I386_FUTEX           422 /* futex_time64 */

/* Its word size is that of what it executed last, or what its parent had. */
static void calls_of_a_process_go_by_its_word_size(void **state)
{
    struct spool spool = new_spool_of_calls();

    (void)state;
    put_begin(&spool);
    put_call(&spool, 10, ROOT, SYS_execve);
    put_exec(&spool, 20, ROOT);
    put_vdso(&spool, CALLS, 21, ROOT, TRUE);
    put_call(&spool, 30, ROOT, I386_CLOCK_NANOSLEEP);
    put_task(&spool, 0, PERF_RECORD_FORK, 40, ROOT, ROOT + 1, ROOT + 1);
    put_call(&spool, 50, ROOT + 1, I386_NANOSLEEP);
    put_call(&spool, 51, ROOT + 1, I386_EXECVE);
    put_exec(&spool, 60, ROOT + 1);
    put_vdso(&spool, CALLS, 61, ROOT + 1, FALSE);
    put_call(&spool, 70, ROOT + 1, SYS_nanosleep);
    put_call(&spool, 80, ROOT, I386_SOCKETCALL);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_call(events, 10, "execve", CT_SYSCALL_OTHER);
    expect_call(events, 30, "clock_nanosleep", CT_SYSCALL_clock_nanosleep);
    expect_call(events, 50, "nanosleep", CT_SYSCALL_nanosleep);
    expect_call(events, 51, "execve", CT_SYSCALL_OTHER);
    expect_call(events, 70, "nanosleep", CT_SYSCALL_nanosleep);
    expect_call(events, 80, "socketcall", CT_SYSCALL_OTHER);
    expect_end(events);
    end(&spool, events);
}

static void a_call_of_a_present_process_goes_by_its_word_size(void **state)
{
    struct spool spool = new_spool_of_calls();

    (void)state;
    put_task(&spool, PRESENT, PERF_RECORD_FORK, 5, 1, ROOT, ROOT);
    put_vdso(&spool, PRESENT, 5, ROOT, TRUE);
    put_blocked(&spool, I386_FUTEX);
    struct ct_kernel_events *events = open_events_of(&spool, 0, TRUE);
    expect_call(events, 5, "futex", CT_SYSCALL_futex);
    end(&spool, events);
}

static void callers_are_told_where_a_task_blocks(void **state)
{
    struct spool spool = new_spool_of_calls();
    struct raw blocks = {
        .type = SWITCH_ID, .current = ROOT, .first = ROOT, .state = 1, .second = STRANGER};
    struct raw is_preempted = blocks;
    struct ct_kernel_item item;

    (void)state;
    is_preempted.state = 0x100;
    put_sample_with_callers(&spool, 10, ROOT, &blocks);
    put_sample_with_callers(&spool, 20, ROOT, &is_preempted);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    assert_true(ct_kernel_events_next(events, &item));
    assert_int_equal(item.record.event, CT_KERNEL_ID_CALLSTACK_USER);
    assert_int_equal(item.record.time_ns, 10);
    assert_int_equal(item.record.as.callstack_user.tid, ROOT);
    assert_int_equal(item.record.as.callstack_user.addresses.count, 2);
    assert_int_equal(item.record.as.callstack_user.addresses.values[0], 0x1001);
    assert_int_equal(item.record.as.callstack_user.addresses.values[1], 0x2002);
    expect_end(events);
    end(&spool, events);
}

static void expect_name(enum ct_syscall_abi abi, int64_t number, const char *name,
                        enum ct_syscall call)
{
    struct ct_syscall_names *names = ct_syscall_names_new();

    for (int times = 0; times < 2; times++) {
        struct ct_named_syscall found = ct_syscall_names_find(names, abi, number);

        assert_string_equal(found.name, name);
        assert_int_equal(found.call, call);
    }
    ct_syscall_names_free(names);
}

static void calls_have_names(void **state)
{
    (void)state;
    expect_name(CT_SYSCALL_ABI_OWN, SYS_futex, "futex", CT_SYSCALL_futex);
    expect_name(CT_SYSCALL_ABI_OWN, SYS_getpid, "getpid", CT_SYSCALL_OTHER);
    expect_name(CT_SYSCALL_ABI_OWN, -1, "unknown", CT_SYSCALL_OTHER);
    expect_name(CT_SYSCALL_ABI_OWN, 1000000, "unknown", CT_SYSCALL_OTHER);
    assert_string_equal(ct_syscall_arguments(CT_SYSCALL_OTHER), "");
}

/* By the kernel's table for i386. */
static void calls_of_32_bit_programs_have_the_names_of_others(void **state)
{
    (void)state;
    expect_name(CT_SYSCALL_ABI_32_BIT, 3, "read", CT_SYSCALL_read);
    expect_name(CT_SYSCALL_ABI_32_BIT, 7, "wait4", CT_SYSCALL_wait4);       /* waitpid */
    expect_name(CT_SYSCALL_ABI_32_BIT, 82, "old_select", CT_SYSCALL_OTHER); /* select */
    expect_name(CT_SYSCALL_ABI_32_BIT, 142, "select", CT_SYSCALL_select);   /* _newselect */
    expect_name(CT_SYSCALL_ABI_32_BIT, 117, "ipc", CT_SYSCALL_OTHER);       /* one of many */
    expect_name(CT_SYSCALL_ABI_32_BIT, 221, "fcntl", CT_SYSCALL_fcntl);     /* fcntl64 */
    expect_name(CT_SYSCALL_ABI_32_BIT, 371, "recvfrom", CT_SYSCALL_recvfrom);
    expect_name(CT_SYSCALL_ABI_32_BIT, 413, "pselect6", CT_SYSCALL_pselect6); /* pselect6_time64 */
    expect_name(CT_SYSCALL_ABI_32_BIT, 403, "clock_gettime64", CT_SYSCALL_OTHER);
    expect_name(CT_SYSCALL_ABI_32_BIT, 1000000, "unknown", CT_SYSCALL_OTHER);
}

/* The kernel drops one now and then. When it can have been is told by the last one before. */
static void a_missing_switch_has_the_last_one_before_it(void **state)
{
    struct spool spool = new_spool(FALSE);

    (void)state;
    put_switch(&spool, 0, 10, ROOT, STRANGER);
    put_switch(&spool, 0, 20, STRANGER, STRANGER + 1);
    put_switch(&spool, 0, 30, STRANGER + 1, STRANGER + 2);
    put_switch(&spool, 0, 50, ROOT, STRANGER); /* nobody saw it get there */
    put_switch(&spool, 0, 60, STRANGER, 0);
    struct raw waking = {.type = WAKING_ID, .current = STRANGER, .first = ROOT};
    put_sample(&spool, 0, 70, STRANGER, &waking);
    put_switch(&spool, 0, 80, ROOT, 0); /* nor this time, but later than what was told since */
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 10, ROOT, STRANGER);
    expect_switch(events, 30, STRANGER + 1, STRANGER + 2);
    expect_switch(events, 50, ROOT, STRANGER);
    expect(events, CT_KERNEL_ID_SCHED_WAKING);
    expect_switch(events, 80, ROOT, 0);
    expect_end(events);
    end(&spool, events);
}

static void a_file_that_was_cut_off_is_read_up_to_there(void **state)
{
    struct spool spool = new_spool(FALSE);
    const struct perf_event_header beyond = {PERF_RECORD_SAMPLE, 0, 4096};

    (void)state;
    put_switch(&spool, 0, 10, 0, ROOT);
    fwrite(&beyond, sizeof(beyond), 1, spool.files[0]);
    put_switch(&spool, 1, 20, ROOT, 0);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect_switch(events, 10, 0, ROOT);
    expect_switch(events, 20, ROOT, 0);
    expect_end(events);
    end(&spool, events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_are_left_out_but_for_who_ran_instead),
        cmocka_unit_test(cpus_are_merged_by_time),
        cmocka_unit_test(children_are_the_programs_from_their_fork_on),
        cmocka_unit_test(threads_are_followed_where_children_are_not),
        cmocka_unit_test(what_was_present_is_the_programs),
        cmocka_unit_test(what_two_events_tell_is_taken_once),
        cmocka_unit_test(what_a_present_thread_does_is_told),
        cmocka_unit_test(what_call_it_is_in_is_told_where_calls_are),
        cmocka_unit_test(what_came_before_a_delay_was_over_is_told_as_present),
        cmocka_unit_test(who_is_made_meanwhile_was_not_present),
        cmocka_unit_test(a_storm_of_processes_takes_each_as_long),
        cmocka_unit_test(who_executes_a_program_ends_all_threads),
        cmocka_unit_test(losses_are_told),
        cmocka_unit_test(ids_of_another_namespace_are_translated),
        cmocka_unit_test(forks_before_the_recording_began_are_not_in_it),
        cmocka_unit_test(an_arrival_without_a_switch_is_one),
        cmocka_unit_test(an_arrival_in_another_namespace_is_translated),
        cmocka_unit_test(an_exec_by_another_thread_keeps_the_process),
        cmocka_unit_test(images_are_told_unless_a_preload_tells_of_them),
        cmocka_unit_test(a_call_is_told_with_its_name_and_arguments),
        cmocka_unit_test(callers_are_told_where_a_task_blocks),
        cmocka_unit_test(calls_have_names),
        cmocka_unit_test(calls_of_32_bit_programs_have_the_names_of_others),
        cmocka_unit_test(calls_of_a_process_go_by_its_word_size),
        cmocka_unit_test(a_call_of_a_present_process_goes_by_its_word_size),
        cmocka_unit_test(a_missing_switch_has_the_last_one_before_it),
        cmocka_unit_test(a_file_that_was_cut_off_is_read_up_to_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
