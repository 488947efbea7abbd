#include "assemble/tasks.h"

/* More than any machine has. */
#define TASKS_MAX (1U << 20)

/* From when a task's waker acts to when the task, on another CPU, has left it, as both trace it. */
#define WAKE_RACE_NS 20000

/* Greater numbers are no CPUs. */
#define CPUS_MAX 4096

/* Bits of prev_state of a task that will not be seen again. */
#define STATE_DEAD 0x30

/* The last switch on a CPU. */
struct cpu {
    uint64_t switch_ns;
    struct ct_task *task; /* borrowed; who got it, NULL: nobody known */
};

struct ct_tasks {
    struct ct_task_events events;
    GHashTable *by_tid;  /* owned; tid -> struct ct_task *, borrowed */
    GPtrArray *all;      /* owned; struct ct_task * */
    GStringChunk *names; /* borrowed; of those by whom tasks were preempted */
    uint64_t brief_ns;
    GArray *cpus; /* owned; struct cpu, by number */
    uint64_t missed;
    uint64_t span_count;     /* there is room for so many, in all tasks */
    uint64_t lossy_until_ns; /* up to then, events of some CPU are lost */
};

struct ct_tasks *ct_tasks_new(const struct ct_task_events *events, GStringChunk *names)
{
    struct ct_tasks *tasks = g_new0(struct ct_tasks, 1);
    tasks->events = *events;
    tasks->by_tid = g_hash_table_new(NULL, NULL);
    tasks->all = g_ptr_array_new_with_free_func(ct_task_free);
    tasks->names = names;
    tasks->cpus = g_array_new(FALSE, TRUE, sizeof(struct cpu));
    return tasks;
}

void ct_tasks_free(struct ct_tasks *tasks)
{
    g_hash_table_unref(tasks->by_tid);
    g_ptr_array_unref(tasks->all);
    g_array_unref(tasks->cpus);
    g_free(tasks);
}

void ct_tasks_set_brief(struct ct_tasks *tasks, uint64_t brief_ns)
{
    tasks->brief_ns = brief_ns;
}

uint64_t ct_tasks_missed(const struct ct_tasks *tasks)
{
    return tasks->missed;
}

struct ct_task *ct_tasks_find(const struct ct_tasks *tasks, int32_t tid)
{
    /* Without a kernel layer there are none. */
    return tasks->all->len > 0 ? g_hash_table_lookup(tasks->by_tid, GINT_TO_POINTER(tid)) : NULL;
}

/* ---- Spans ---- */

static void begin_span(struct ct_tasks *tasks, struct ct_task *task, struct ct_task_span span)
{
    /* It may get on a CPU whose events are lost. */
    if (span.begin_ns < tasks->lossy_until_ns && span.state != CT_TASK_RUNNING)
        span.state = CT_TASK_UNKNOWN;
    ct_task_begin_span(task, &tasks->events, span, tasks->brief_ns);
}

void ct_task_seen_running(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns)
{
    if (task->count == 0 || task->has_ended || ct_task_state(task) == CT_TASK_RUNNING ||
        ct_task_last_span(task)->begin_ns > time_ns || time_ns < tasks->lossy_until_ns ||
        time_ns < task->off_cpu_until_ns)
        return;
    begin_span(tasks, task,
               (struct ct_task_span){.begin_ns = time_ns,
                                     .state = CT_TASK_RUNNING,
                                     .cpu = (uint32_t)MAX(task->last_cpu, 0)});
    tasks->missed++;
}

gboolean ct_task_may_run_on(const struct ct_tasks *tasks, const struct ct_task *task, uint32_t cpu,
                            uint64_t time_ns)
{
    switch (ct_task_state(task)) {
    case CT_TASK_RUNNING:
        return cpu == CT_ANY_CPU || ct_task_last_span(task)->cpu == cpu;
    case CT_TASK_UNKNOWN: /* after a loss: had it got on one since, that would have been told */
        return task->count == 0 || time_ns < tasks->lossy_until_ns;
    default:
        return FALSE;
    }
}

/* ---- Events ---- */

static struct ct_task *add_task(struct ct_tasks *tasks, int32_t tid)
{
    if (tid <= 0 || tasks->all->len >= TASKS_MAX)
        return NULL;
    struct ct_task *task = g_new0(struct ct_task, 1);

    task->tid = tid;
    task->last_cpu = -1;
    task->spans_of_all = &tasks->span_count;
    g_ptr_array_add(tasks->all, task);
    g_hash_table_insert(tasks->by_tid, GINT_TO_POINTER(tid), task);
    return task;
}

static struct ct_task *get_task(struct ct_tasks *tasks, int32_t tid)
{
    struct ct_task *task = ct_tasks_find(tasks, tid);
    return task && !task->has_ended ? task : add_task(tasks, tid);
}

/*
 * A task is woken (it was blocked), or gets on a CPU, of which nothing was told yet, or only that
 * it was there: it had left its CPU before there were events.
 */
static void mend_start(struct ct_tasks *tasks, struct ct_task *task, enum ct_task_state state,
                       uint64_t time_ns)
{
    if (task->count > 0)
        return;
    begin_span(tasks, task, (struct ct_task_span){.begin_ns = task->present_ns, .state = state});
    if (task->present_ns > 0)
        return;
    task->first_ns = time_ns;
    task->first_state = ct_task_state(task);
    task->known_ns = time_ns;
    task->known.ns[task->first_state] = time_ns;
}

/* A task leaves its CPU, which it has had since before there were events: its state was looked at
 * some moments after it is told of. */
static void mend_present(struct ct_tasks *tasks, struct ct_task *task, uint32_t cpu)
{
    const struct ct_task_span had_cpu = {
        .begin_ns = task->present_ns, .state = CT_TASK_RUNNING, .cpu = cpu};

    if (task->present_ns == 0 || task->count > 1)
        return;
    if (task->count == 0)
        begin_span(tasks, task, had_cpu);
    else if (ct_task_last_span(task)->begin_ns == task->present_ns)
        *ct_task_last_span(task) = had_cpu;
    task->last_cpu = (int32_t)cpu;
}

static void get_on(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns, uint32_t cpu)
{
    if (!task)
        return;
    mend_start(tasks, task, task->present_ns > 0 ? CT_TASK_RUNNABLE : CT_TASK_BLOCKED, time_ns);
    task->woken_ns = 0;
    begin_span(tasks, task,
               (struct ct_task_span){.begin_ns = time_ns, .state = CT_TASK_RUNNING, .cpu = cpu});
    if (task->thread) {
        task->thread->sched.switches++;
        task->thread->sched.migrations += task->last_cpu >= 0 && task->last_cpu != (int32_t)cpu;
    }
    task->last_cpu = (int32_t)cpu;
}

/* It left the CPU on its own account. */
static void block(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns)
{
    /* Woken before it was quite off: it is in the run queue at once. */
    if (task->woken_ns != 0 && time_ns - task->woken_ns < WAKE_RACE_NS)
        begin_span(tasks, task, ct_task_woken_span(task, time_ns));
    else
        begin_span(tasks, task,
                   (struct ct_task_span){.begin_ns = time_ns, .state = CT_TASK_BLOCKED});
}

static void preempt(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns,
                    const char *preempted_by)
{
    begin_span(tasks, task,
               (struct ct_task_span){.begin_ns = time_ns,
                                     .state = CT_TASK_RUNNABLE,
                                     .is_preempted = TRUE,
                                     .preempted_by = preempted_by});
    if (task->thread)
        task->thread->sched.preemptions++;
}

static void end_task(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns)
{
    begin_span(tasks, task, (struct ct_task_span){.begin_ns = time_ns, .state = CT_TASK_UNKNOWN});
    task->has_ended = TRUE;
}

/* NULL for a number that is none. Valid until the next call. */
static struct cpu *get_cpu(struct ct_tasks *tasks, uint32_t number)
{
    if (number >= CPUS_MAX)
        return NULL;
    if (number >= tasks->cpus->len)
        g_array_set_size(tasks->cpus, number + 1);
    return &g_array_index(tasks->cpus, struct cpu, number);
}

/*
 * `previous` leaves a CPU that another task had, as far as was told: the switch from the one to the
 * other is missing. It was after the last one there, and after `previous` was ready for it.
 */
static void mend_switch(struct ct_tasks *tasks, const struct cpu *cpu, uint32_t number,
                        struct ct_task *previous)
{
    uint64_t time_ns = cpu->switch_ns;
    gboolean is_missed = FALSE;

    if (previous && previous->is_own && previous->count > 0 &&
        ct_task_state(previous) != CT_TASK_RUNNING) {
        gboolean was_ready = ct_task_state(previous) == CT_TASK_RUNNABLE;

        time_ns = MAX(time_ns, ct_task_last_span(previous)->begin_ns);
        begin_span(tasks, previous,
                   (struct ct_task_span){.begin_ns = time_ns,
                                         .state = was_ready ? CT_TASK_RUNNING : CT_TASK_UNKNOWN,
                                         .cpu = number});
        is_missed = TRUE;
    }
    if (cpu->task && cpu->task != previous && cpu->task->is_own && !cpu->task->has_ended &&
        ct_task_state(cpu->task) == CT_TASK_RUNNING &&
        ct_task_last_span(cpu->task)->cpu == number) {
        begin_span(tasks, cpu->task,
                   (struct ct_task_span){.begin_ns = time_ns, .state = CT_TASK_UNKNOWN});
        is_missed = TRUE;
    }
    tasks->missed += is_missed;
}

static void add_switch(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    const struct ct_kernel_sched_switch *event = &record->as.sched_switch;
    struct ct_task *previous = get_task(tasks, event->prev_tid);
    struct cpu *cpu = get_cpu(tasks, record->cpu);

    ct_task_set_priority(previous, event->prev_prio);
    if (previous)
        mend_present(tasks, previous, record->cpu);
    if (cpu && cpu->switch_ns > 0)
        mend_switch(tasks, cpu, record->cpu, previous);

    if (previous && event->prev_state & STATE_DEAD)
        end_task(tasks, previous, record->time_ns);
    else if (previous && ((event->prev_state & CT_TASK_STATE_MASK) != 0 || previous->is_throttled))
        block(tasks, previous, record->time_ns);
    else if (previous)
        preempt(tasks, previous, record->time_ns,
                previous->thread ? g_string_chunk_insert_const(tasks->names, event->next_comm)
                                 : NULL);
    if (previous)
        previous->is_throttled = FALSE;
    struct ct_task *next = get_task(tasks, event->next_tid);

    ct_task_set_priority(next, event->next_prio);
    get_on(tasks, next, record->time_ns, record->cpu);
    if (cpu)
        *cpu = (struct cpu){record->time_ns, next};
}

/*
 * A task is woken whose state a loss left open: it was off the CPU since, as nothing that is told
 * from the end of the loss on has brought it there.
 */
static void mend_loss(struct ct_tasks *tasks, struct ct_task *task, uint64_t woken_ns)
{
    uint64_t end_ns = tasks->lossy_until_ns;
    if (task->count > 0 && ct_task_state(task) == CT_TASK_UNKNOWN &&
        ct_task_last_span(task)->begin_ns < end_ns && end_ns < woken_ns)
        begin_span(tasks, task,
                   (struct ct_task_span){.begin_ns = end_ns, .state = CT_TASK_BLOCKED});
}

static void add_waking(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    struct ct_task *task = get_task(tasks, record->as.sched_waking.tid);
    const struct ct_task *waker = record->in_interrupt ? NULL : ct_tasks_find(tasks, record->tid);

    if (!task)
        return;
    task->is_own = TRUE;
    mend_start(tasks, task, CT_TASK_BLOCKED, record->time_ns);
    mend_loss(tasks, task, record->time_ns);
    if (ct_task_state(task) == CT_TASK_RUNNING) {
        task->woken_ns = record->time_ns;
        task->waker = waker;
        task->waker_stack_id = 0;
    } else if (ct_task_state(task) == CT_TASK_BLOCKED || ct_task_state(task) == CT_TASK_UNKNOWN) {
        begin_span(tasks, task,
                   (struct ct_task_span){
                       .begin_ns = record->time_ns, .state = CT_TASK_RUNNABLE, .waker = waker});
    }
}

static void add_fork(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    struct ct_task *parent = ct_tasks_find(tasks, record->as.sched_process_fork.parent_tid);
    struct ct_task *task = add_task(tasks, record->as.sched_process_fork.child_tid);

    if (!task)
        return;
    task->is_own = TRUE;
    begin_span(tasks, task,
               (struct ct_task_span){
                   .begin_ns = record->time_ns, .state = CT_TASK_RUNNABLE, .waker = parent});
}

/* Who executes a program is on a CPU, and may have been so since before there were events. */
static void add_exec(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    struct ct_task *task = get_task(tasks, record->as.sched_process_exec.tid);
    if (!task || ct_task_state(task) != CT_TASK_UNKNOWN)
        return;
    task->last_cpu = (int32_t)record->cpu;
    begin_span(tasks, task,
               (struct ct_task_span){
                   .begin_ns = record->time_ns, .state = CT_TASK_RUNNING, .cpu = record->cpu});
}

/* One that was there when the recording began; unless it was blocked, what it did then is told by
 * its first event. */
static void add_present(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    struct ct_task *task = get_task(tasks, record->as.process_thread.tid);

    if (!task || task->count > 0)
        return;
    task->present_ns = record->time_ns;
    if (record->as.process_thread.is_blocked)
        begin_span(tasks, task,
                   (struct ct_task_span){.begin_ns = record->time_ns, .state = CT_TASK_BLOCKED});
}

static void add_task_switch(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    const struct ct_kernel_context_switch *event = &record->as.context_switch;
    struct ct_task *task = get_task(tasks, event->tid);

    if (!task)
        return;
    if (!event->is_out) {
        get_on(tasks, task, record->time_ns, record->cpu);
        return;
    }
    mend_present(tasks, task, record->cpu);
    if (event->is_preempted)
        preempt(tasks, task, record->time_ns, NULL);
    else
        block(tasks, task, record->time_ns);
}

/* It could go on: that it is not in line for a CPU, only the reason says. */
static void add_reason(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    struct ct_task *task = get_task(tasks, record->as.off_cpu_reason.tid);

    if (task)
        task->is_throttled =
            g_str_equal(record->as.off_cpu_reason.reason, ct_op_name(CT_OP_THROTTLED));
}

/* It stays off the CPU though events are lost. */
static void add_off_cpu_until(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    struct ct_task *task = ct_tasks_find(tasks, record->as.off_cpu_until.tid);

    struct ct_task_span span = {
        .begin_ns = record->time_ns,
        .state = record->as.off_cpu_until.is_blocked ? CT_TASK_BLOCKED : CT_TASK_RUNNABLE,
    };

    if (!task || task->has_ended || task->count == 0)
        return;
    task->off_cpu_until_ns = record->as.off_cpu_until.until_ns;
    if (ct_task_state(task) == CT_TASK_UNKNOWN)
        ct_task_begin_span(task, &tasks->events, span, tasks->brief_ns);
}

gboolean ct_tasks_add(struct ct_tasks *tasks, const struct ct_kernel_record *record)
{
    static void (*const adders[CT_KERNEL_EVENT_COUNT])(struct ct_tasks *,
                                                       const struct ct_kernel_record *) = {
        [CT_KERNEL_ID_SCHED_SWITCH] = add_switch,
        [CT_KERNEL_ID_SCHED_WAKING] = add_waking,
        [CT_KERNEL_ID_SCHED_PROCESS_FORK] = add_fork,
        [CT_KERNEL_ID_SCHED_PROCESS_EXEC] = add_exec,
        [CT_KERNEL_ID_CONTEXT_SWITCH] = add_task_switch,
        [CT_KERNEL_ID_PROCESS_THREAD] = add_present,
        [CT_KERNEL_ID_OFF_CPU_REASON] = add_reason,
        [CT_KERNEL_ID_OFF_CPU_UNTIL] = add_off_cpu_until,
    };

    if (record->event < CT_KERNEL_EVENT_COUNT && adders[record->event])
        adders[record->event](tasks, record);
    return tasks->all->len < TASKS_MAX;
}

void ct_tasks_lost(struct ct_tasks *tasks, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns)
{
    tasks->lossy_until_ns = MAX(tasks->lossy_until_ns, end_ns);
    for (guint i = 0; i < tasks->all->len; i++) {
        struct ct_task *task = g_ptr_array_index(tasks->all, i);
        enum ct_task_state state = ct_task_state(task);

        if (!task->has_ended && state != CT_TASK_UNKNOWN && task->off_cpu_until_ns <= end_ns &&
            (state != CT_TASK_RUNNING || ct_task_last_span(task)->cpu == cpu))
            begin_span(tasks, task,
                       (struct ct_task_span){.begin_ns = begin_ns, .state = CT_TASK_UNKNOWN});
    }
}

void ct_task_flush_runs(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns)
{
    ct_task_hand_on_runs(task, &tasks->events, time_ns);
}

void ct_task_flush(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns)
{
    for (uint32_t i = 0; i < task->count && ct_task_span_end_ns(task, i) <= time_ns; i++)
        ct_task_hand_on(task, &tasks->events, i);
}

void ct_tasks_finish(struct ct_tasks *tasks, uint64_t end_ns)
{
    for (guint i = 0; i < tasks->all->len; i++) {
        struct ct_task *task = g_ptr_array_index(tasks->all, i);

        if (task->count == 0)
            continue;
        if (!task->has_ended)
            end_task(tasks, task, end_ns);
        ct_task_flush(tasks, task, UINT64_MAX);
    }
}
