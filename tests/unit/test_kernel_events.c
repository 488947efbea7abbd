/* What of perf's records becomes the kernel events of a trace: those of the program's tasks. */
#include "kernel/events.h"
#include "kernel/spool.h"
#include "tree.h"

#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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
};

#define FIELD(member)                                                   \
    {                                                                   \
        offsetof(struct raw, member), sizeof(((struct raw *)0)->member) \
    }
#define SWITCH_ID 7
#define WAKING_ID 8

static const struct ct_formats formats = {
    .switch_id = SWITCH_ID,
    .waking_id = WAKING_ID,
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
};

struct spool {
    char *path;
    FILE *files[2];
};

static void write_head(struct spool *spool, uint32_t cpu, gboolean has_foreign_ids)
{
    g_autofree char *name = g_strdup_printf("%s/" CT_SPOOL_FOLDER "/cpu%u", spool->path, cpu);
    struct ct_spool_head head = {
        .magic = CT_SPOOL_MAGIC,
        .version = CT_SPOOL_VERSION,
        .cpu = cpu,
        .is_all_cpus = TRUE,
        .has_foreign_ids = has_foreign_ids,
        .formats = formats,
    };

    spool->files[cpu] = fopen(name, "w");
    assert_non_null(spool->files[cpu]);
    fwrite(&head, sizeof(head), 1, spool->files[cpu]);
}

static struct spool new_spool(gboolean has_foreign_ids)
{
    struct spool spool = {.path = g_dir_make_tmp("ctrace-kernel-XXXXXX", NULL)};
    g_autofree char *folder = g_build_filename(spool.path, CT_SPOOL_FOLDER, NULL);

    g_mkdir_with_parents(folder, 0700);
    write_head(&spool, 0, has_foreign_ids);
    write_head(&spool, 1, has_foreign_ids);
    return spool;
}

static void put(FILE *file, uint32_t type, uint16_t misc, const void *body, size_t size)
{
    struct perf_event_header header = {type, misc, (uint16_t)(sizeof(header) + size)};

    fwrite(&header, sizeof(header), 1, file);
    fwrite(body, size, 1, file);
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

static struct ct_kernel_events *open_events(struct spool *spool, gboolean follows_children)
{
    for (size_t i = 0; i < G_N_ELEMENTS(spool->files); i++)
        fclose(spool->files[i]);
    return ct_kernel_events_open(spool->path, ROOT, follows_children);
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
    struct {
        int32_t pid, tid;
        char name[8];
        int32_t current_pid, current_tid;
        uint64_t time_ns;
    } name = {ROOT, ROOT, "new", ROOT, ROOT, 30};

    (void)state;
    put_begin(&spool);
    put_task(&spool, 0, PERF_RECORD_FORK, 10, ROOT, ROOT, ROOT + 1);
    put_task(&spool, 0, PERF_RECORD_EXIT, 20, ROOT, ROOT, ROOT);
    put(spool.files[0], PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, &name, sizeof(name));
    put_switch(&spool, 0, 40, ROOT, STRANGER);
    put_switch(&spool, 0, 50, ROOT + 1, STRANGER);
    struct ct_kernel_events *events = open_events(&spool, TRUE);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_FORK);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXIT);
    expect(events, CT_KERNEL_ID_SCHED_PROCESS_EXEC);
    expect_switch(events, 40, ROOT, STRANGER);
    expect_end(events);
    end(&spool, events);
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
        cmocka_unit_test(losses_are_told),
        cmocka_unit_test(ids_of_another_namespace_are_translated),
        cmocka_unit_test(forks_before_the_recording_began_are_not_in_it),
        cmocka_unit_test(an_arrival_without_a_switch_is_one),
        cmocka_unit_test(an_arrival_in_another_namespace_is_translated),
        cmocka_unit_test(an_exec_by_another_thread_keeps_the_process),
        cmocka_unit_test(a_missing_switch_has_the_last_one_before_it),
        cmocka_unit_test(a_file_that_was_cut_off_is_read_up_to_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
