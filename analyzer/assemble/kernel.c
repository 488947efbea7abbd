/* The kernel layer's part of the assembler: whose task a thread is, and what that did when. */
#include "assemble/state.h"

#include "schema/board.h"

/* By no more than this do the program's clock and the kernel's differ where a wait begins: the
 * program may lose its CPU between reading the clock and writing the event. */
#define SKEW_NS 10000000

/* From when a thread begins to when its first event says so, at most: else that was lost. */
#define START_LAG_NS 10000000

/* The earlier of a time and the thread's end, as far as that is known by now. */
static uint64_t known_end_ns(const struct ct_assembler *assembler, struct ct_thread *thread,
                             uint64_t time_ns)
{
    if (thread->has_exited || assembler->is_settled)
        return MIN(time_ns, thread->end_ns);
    return ct_thread_state(thread)->has_end_times
               ? MIN(time_ns, ct_thread_state(thread)->last_seen_ns)
               : time_ns;
}

static void on_run(void *user, struct ct_task *task, const struct ct_task_span *span,
                   uint64_t end_ns)
{
    const struct ct_assembler *assembler = user;
    struct ct_thread *thread = task->thread;
    struct ct_run run = {
        .thread = thread,
        .cpu = span->cpu,
        .begin_ns = MAX(span->begin_ns, thread->start_ns),
        .end_ns = known_end_ns(assembler, thread, end_ns),
    };

    for (size_t i = 0; i < assembler->sink_count && run.begin_ns < run.end_ns; i++) {
        if (assembler->sinks[i].on_run)
            assembler->sinks[i].on_run(assembler->sinks[i].user, &run);
    }
}

static void count_line(struct ct_thread_sched *sched, uint64_t duration_ns)
{
    sched->lines.calls++;
    sched->lines.total_ns += duration_ns;
    sched->lines.histogram[ct_histogram_bucket(duration_ns)]++;
    sched->longest_line_ns = MAX(sched->longest_line_ns, duration_ns);
}

/* Blocked outside of all waits is other, where all of them are known. */
static enum ct_class outside_class(const struct ct_assembler *assembler,
                                   const struct ct_thread *thread)
{
    return thread->process->is_hidden && !assembler->has_syscalls ? CT_CLASS_UNKNOWN
                                                                  : CT_CLASS_OTHER;
}

static enum ct_class rest_class(const struct ct_assembler *assembler,
                                const struct ct_thread *thread, enum ct_task_state state)
{
    return state == CT_TASK_RUNNABLE  ? CT_CLASS_RUNNABLE
           : state == CT_TASK_BLOCKED ? outside_class(assembler, thread)
                                      : CT_CLASS_UNKNOWN;
}

/* What it did outside of every wait. */
static void on_rest(void *user, struct ct_task *task, const struct ct_task_span *span,
                    uint64_t end_ns)
{
    struct ct_assembler *assembler = user;
    struct ct_thread *thread = task->thread;
    struct ct_interval interval = {
        .thread = thread,
        .begin_ns = MAX(span->begin_ns, thread->start_ns),
        .end_ns = known_end_ns(assembler, thread, end_ns),
        .weight = 1,
        .is_outside = TRUE,
        .class = rest_class(assembler, thread, span->state),
        .waker = span->waker ? span->waker->thread : NULL,
        .wake_ns = span->waker ? span->begin_ns : 0,
        .ran_instead = span->instead,
    };

    if (interval.begin_ns >= interval.end_ns)
        return;
    interval.wait_begin_ns = interval.begin_ns;
    interval.wait_end_ns = interval.end_ns;
    if (span->state == CT_TASK_RUNNABLE)
        count_line(&thread->sched, interval.end_ns - interval.begin_ns);
    ct_wakes_add_interval(assembler->wakes, assembler->now_ns, &interval);
}

void ct_kernel_init(struct ct_assembler *assembler)
{
    const struct ct_task_events events = {.user = assembler, .on_run = on_run, .on_rest = on_rest};

    assembler->tasks = ct_tasks_new(&events, assembler->model->names);
}

void ct_kernel_add(struct ct_assembler *assembler, const struct ct_record *record)
{
    assembler->now_ns = MAX(assembler->now_ns, record->time_ns);
    if (record->as.kernel.event == CT_KERNEL_ID_CPU_SAMPLE) {
        ct_samples_add(assembler, &record->as.kernel);
        return;
    }
    assembler->model->capture.has_kernel = TRUE;
    if (!ct_tasks_add(assembler->tasks, &record->as.kernel))
        assembler->model->capture.records_dropped++;
    ct_hidden_add(assembler, &record->as.kernel);
    ct_syscalls_add(assembler, &record->as.kernel);
}

void ct_assembler_lose(struct ct_assembler *assembler, const struct ct_kernel_loss *loss)
{
    if (loss->has_switches)
        ct_tasks_lost(assembler->tasks, loss->cpu, loss->begin_ns, loss->end_ns);
    ct_syscalls_lose(assembler, loss);
}

/* Keeps what its task did until then, for when that is forgotten. */
static void end_thread(struct ct_thread_state *thread, uint64_t end_ns)
{
    if (!thread->task || thread->has_end_times)
        return;
    ct_task_times_at(thread->task, end_ns, &thread->end);
    thread->has_end_times = TRUE;
    thread->last_seen_ns = end_ns;
}

void ct_kernel_end_thread(struct ct_thread_state *thread)
{
    end_thread(thread, thread->thread.end_ns);
}

uint64_t ct_kernel_image_end_ns(const struct ct_image *image)
{
    GHashTableIter at;
    void *value;
    uint64_t end_ns = 0;

    g_hash_table_iter_init(&at, image->process.threads);
    while (g_hash_table_iter_next(&at, NULL, &value)) {
        const struct ct_thread_state *thread = ct_thread_state(value);

        if (thread->task && thread->task->thread == &thread->thread)
            end_ns = MAX(end_ns, ct_task_end_ns(thread->task));
    }
    return end_ns != 0 ? end_ns : UINT64_MAX;
}

/* The task has another image from `begin_ns` on: what it did before was the thread's before. */
static void unbind(struct ct_assembler *assembler, struct ct_task *task, uint64_t begin_ns)
{
    struct ct_thread_state *thread = ct_thread_state(task->thread);
    const struct ct_image *image = (const struct ct_image *)thread->thread.process;
    uint32_t index;

    end_thread(thread, image->has_ended ? image->process.end_ns : assembler->now_ns);
    ct_task_flush(assembler->tasks, task, begin_ns);
    /* The span in which that was is both's: each has its part. */
    if (ct_task_find_span(task, begin_ns, &index) &&
        ct_task_span(task, index)->state == CT_TASK_RUNNING)
        on_run(assembler, task, ct_task_span(task, index), begin_ns);
}

void ct_kernel_bind(struct ct_assembler *assembler, struct ct_thread_state *thread,
                    uint64_t begin_ns)
{
    struct ct_task *task = ct_tasks_find(assembler->tasks, thread->thread.tid);

    if (!task || thread->task || thread->thread.has_exited)
        return;
    if (task->thread && task->thread->start_ns >= thread->thread.start_ns)
        return; /* another image's by now */
    if (task->thread)
        unbind(assembler, task, begin_ns);
    thread->task = task;
    thread->task_begin_ns = MAX(begin_ns, task->untold_ns);
    thread->thread.sched.is_known = TRUE;
    task->thread = &thread->thread;
    task->is_own = TRUE;
    ct_task_times_at(task, thread->task_begin_ns, &thread->begin);
    ct_task_settle(task, thread->task_begin_ns);
}

void ct_kernel_replace(struct ct_assembler *assembler, struct ct_image *image)
{
    struct ct_thread *main_thread =
        g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(image->process.pid));

    if (main_thread && !image->has_ended)
        ct_kernel_bind(assembler, ct_thread_state(main_thread), main_thread->start_ns);
}

void ct_kernel_align(struct ct_assembler *assembler, struct ct_thread_state *thread,
                     struct ct_interval *interval)
{
    uint32_t index;

    ct_kernel_bind(assembler, thread, thread->thread.start_ns);
    if (!thread->task || !ct_task_find_span(thread->task, interval->begin_ns, &index))
        return;
    const struct ct_task_span *span = ct_task_span(thread->task, index);
    uint64_t skew_ns = interval->begin_ns - span->begin_ns;

    if ((span->state != CT_TASK_BLOCKED && span->state != CT_TASK_BRIEF) || skew_ns > SKEW_NS)
        return;
    interval->begin_ns -= skew_ns;
    if (!interval->is_open)
        interval->end_ns -= skew_ns;
}

void ct_kernel_see(struct ct_assembler *assembler, struct ct_thread_state *thread,
                   const struct ct_interval *interval)
{
    if (thread->task)
        ct_task_seen_running(assembler->tasks, thread->task, interval->end_ns);
}

/* ---- A part of a wait, by what its thread did ---- */

struct pieces {
    struct ct_assembler *assembler; /* borrowed */
    const struct ct_interval *part; /* borrowed */
    uint64_t told_ns;               /* what came before counts as one piece */
    uint64_t previous_end_ns;       /* of the wait's last piece of its own class */
    uint64_t begin_ns;              /* of the piece at hand */
    uint64_t end_ns;                /* of the same; equal: there is none */
    guint count;                    /* pieces handed on, of the wait's own class */
    struct ct_thread *waker;
    uint64_t wake_ns;
};

static void hand_on(const struct pieces *pieces, const struct ct_interval *interval)
{
    ct_wakes_add_interval(pieces->assembler->wakes, pieces->assembler->now_ns, interval);
}

/* What the thread was blocked for. */
static void end_piece(struct pieces *pieces)
{
    struct ct_interval interval = *pieces->part;

    if (pieces->begin_ns == pieces->end_ns)
        return;
    interval.begin_ns = pieces->begin_ns;
    interval.end_ns = pieces->end_ns;
    interval.previous_end_ns = pieces->previous_end_ns;
    interval.waker = pieces->waker;
    interval.wake_ns = pieces->wake_ns;
    pieces->previous_end_ns = pieces->end_ns;
    pieces->begin_ns = pieces->end_ns;
    pieces->count++;
    hand_on(pieces, &interval);
}

static void add_blocked(struct pieces *pieces, uint64_t begin_ns, uint64_t end_ns)
{
    if (pieces->begin_ns == pieces->end_ns)
        pieces->begin_ns = begin_ns;
    pieces->end_ns = end_ns;
}

static void add_line(struct pieces *pieces, const struct ct_task *task, struct ct_task_span *span,
                     uint64_t end_ns)
{
    struct ct_interval interval = *pieces->part;

    if (span->is_taken || span->begin_ns < pieces->part->begin_ns || end_ns <= span->begin_ns)
        return;
    span->is_taken = TRUE;
    /* Who killed a thread did not let it go on. */
    if (span->waker && span->waker->thread != task->thread && !pieces->part->is_open) {
        pieces->waker = span->waker->thread;
        pieces->wake_ns = span->begin_ns;
    }
    end_piece(pieces);
    interval.begin_ns = span->begin_ns;
    interval.end_ns = end_ns;
    interval.previous_end_ns = 0;
    interval.weight = 1;
    interval.class = CT_CLASS_RUNNABLE;
    interval.waker = pieces->waker;
    interval.wake_ns = pieces->wake_ns;
    interval.ran_instead = span->instead;
    count_line(&task->thread->sched, end_ns - span->begin_ns);
    hand_on(pieces, &interval);
}

static void add_span(struct pieces *pieces, const struct ct_task *task, uint32_t index)
{
    const struct ct_interval *part = pieces->part;
    struct ct_task_span *span = ct_task_span(task, index);
    uint64_t begin_ns = MAX(span->begin_ns, pieces->told_ns);
    uint64_t end_ns = MIN(ct_task_span_end_ns(task, index), part->end_ns);

    if (begin_ns >= end_ns)
        return;
    switch (span->state) {
    case CT_TASK_RUNNING:
        end_piece(pieces);
        break;
    case CT_TASK_RUNNABLE:
        add_line(pieces, task, span, end_ns);
        break;
    default:
        span->is_taken = TRUE;
        add_blocked(pieces, begin_ns, end_ns);
        break;
    }
}

/* Sums what the task did in the part, from when that was told, by the part's class. */
static void cover(struct ct_thread_state *thread, const struct ct_interval *part, uint64_t told_ns)
{
    struct ct_task_times *covered = &thread->covered[part->class];
    struct ct_task_times begin, end;

    covered->ns[CT_TASK_UNKNOWN] += told_ns - part->begin_ns;
    ct_task_times_at(thread->task, told_ns, &begin);
    ct_task_times_at(thread->task, part->end_ns, &end);
    for (size_t state = 0; state < CT_TASK_STATE_COUNT; state++)
        covered->ns[state] += end.ns[state] - MIN(begin.ns[state], end.ns[state]);
    ct_task_settle(thread->task, part->end_ns);
}

gboolean ct_kernel_add_part(struct ct_assembler *assembler, struct ct_thread_state *thread,
                            struct ct_interval *interval)
{
    struct ct_task *task = thread->task;
    struct pieces pieces = {
        .assembler = assembler, .part = interval, .previous_end_ns = interval->previous_end_ns};
    uint64_t told_ns = MAX(interval->begin_ns, thread->task_begin_ns);
    uint32_t first;

    if (!task || task->count == 0 || (interval->begin_ns < told_ns && interval->end_ns <= told_ns))
        return FALSE;
    /* What came before may be in a wait that this one interrupts: that is told of later. */
    ct_task_flush_runs(assembler->tasks, task, interval->begin_ns);
    cover(thread, interval, told_ns);
    if (!ct_task_find_span(task, told_ns, &first)) {
        first = 0;
        told_ns = MIN(ct_task_span(task, 0)->begin_ns, interval->end_ns);
    }
    if (interval->begin_ns < told_ns)
        add_blocked(&pieces, interval->begin_ns, told_ns);
    pieces.told_ns = told_ns;
    for (uint32_t i = first; i < task->count && ct_task_span(task, i)->begin_ns < interval->end_ns;
         i++)
        add_span(&pieces, task, i);
    end_piece(&pieces);
    if (pieces.count == 0 &&
        !interval->is_outside) { /* it never blocked, but it is a wait all the same */
        struct ct_interval empty = *interval;

        empty.begin_ns = empty.end_ns;
        hand_on(&pieces, &empty);
    }
    return TRUE;
}

void ct_kernel_add_unknown(struct ct_assembler *assembler, struct ct_thread_state *thread,
                           uint64_t begin_ns, uint64_t end_ns)
{
    ct_kernel_bind(assembler, thread, thread->thread.start_ns);
    struct ct_interval interval = {
        .thread = &thread->thread,
        .begin_ns = MAX(begin_ns, MAX(thread->thread.start_ns, thread->task_begin_ns)),
        .end_ns = end_ns,
        .weight = 1,
        .is_outside = TRUE,
        .class = CT_CLASS_UNKNOWN,
    };

    interval.wait_begin_ns = interval.begin_ns;
    interval.wait_end_ns = interval.end_ns;
    if (interval.begin_ns < interval.end_ns)
        ct_kernel_add_part(assembler, thread, &interval);
}

/* ---- At the end ---- */

void ct_kernel_finish(struct ct_assembler *assembler)
{
    assembler->is_settled = TRUE;
    for (guint i = 0; i < assembler->model->threads->len; i++) {
        struct ct_thread_state *thread = g_ptr_array_index(assembler->model->threads, i);

        ct_kernel_bind(assembler, thread, thread->thread.start_ns);
        /* It was there before a delayed recording began, which its life begins with. */
        if (thread->task && thread->thread.start_ns > thread->task_begin_ns &&
            thread->thread.start_ns < thread->task->first_ns)
            ct_task_times_at(thread->task, thread->thread.start_ns, &thread->begin);
    }
    ct_syscalls_finish(assembler);
    ct_tasks_finish(assembler->tasks, assembler->model->end_ns);
    assembler->model->capture.switches_missed = ct_tasks_missed(assembler->tasks);
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a - MIN(a, b);
}

/* All that its waits cover, in one state. */
static uint64_t covered_ns(const struct ct_thread_state *thread, enum ct_task_state state)
{
    uint64_t sum_ns = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        sum_ns += thread->covered[class].ns[state];
    return sum_ns;
}

/*
 * Short waits are sampled, so that some brief times off the CPU lie in none: they are shared out
 * by how long each class's waits were that were not recorded. Returns what is left.
 */
static uint64_t share_out(const struct ct_thread_state *thread, uint64_t brief_ns,
                          const uint64_t *waited_ns, uint64_t *class_ns)
{
    double unrecorded_ns[CT_CLASS_COUNT], sum_ns = 0;
    uint64_t left_ns = brief_ns;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        unrecorded_ns[class] = (double)minus(waited_ns[class], thread->recorded_ns[class]);
        sum_ns += unrecorded_ns[class];
    }
    for (size_t class = 0; class < CT_CLASS_COUNT && sum_ns > 0; class ++) {
        uint64_t more_ns =
            (uint64_t)(MIN((double)brief_ns, sum_ns) * (unrecorded_ns[class] / sum_ns));

        more_ns = MIN(more_ns, left_ns);
        class_ns[class] += more_ns;
        left_ns -= more_ns;
    }
    return left_ns;
}

static void settle_sched(struct ct_thread_state *thread, struct ct_task_times *times)
{
    struct ct_thread *settled = &thread->thread;
    uint64_t life_ns = settled->end_ns - settled->start_ns;
    uint64_t seen_ns = 0;
    uint32_t index;

    /* Of one that was known late, only what came after that was told: the rest is unknown. */
    if (minus(thread->task_begin_ns, settled->start_ns) > START_LAG_NS)
        times->ns[CT_TASK_UNKNOWN] = thread->task_begin_ns - settled->start_ns;
    else if (ct_task_find_span(thread->task, settled->start_ns, &index))
        ct_task_times_at(thread->task, settled->start_ns, &thread->begin);
    else if (settled->start_ns < thread->task_begin_ns) /* it ran as it wrote that it had begun */
        times->ns[CT_TASK_RUNNING] = thread->task_begin_ns - settled->start_ns;
    if (!thread->has_end_times || ct_task_find_span(thread->task, settled->end_ns, &index))
        ct_task_times_at(thread->task, settled->end_ns, &thread->end);
    for (size_t state = 0; state < CT_TASK_STATE_COUNT; state++) {
        times->ns[state] += minus(thread->end.ns[state], thread->begin.ns[state]);
        seen_ns += times->ns[state];
    }
    times->ns[CT_TASK_UNKNOWN] += minus(life_ns, seen_ns);
    settled->sched.running_ns = times->ns[CT_TASK_RUNNING];
    settled->sched.runnable_ns = times->ns[CT_TASK_RUNNABLE];
    settled->sched.blocked_ns = times->ns[CT_TASK_BLOCKED] + times->ns[CT_TASK_BRIEF];
    settled->sched.unknown_ns = times->ns[CT_TASK_UNKNOWN];
    settled->sched.outside_ns =
        minus(times->ns[CT_TASK_BLOCKED], covered_ns(thread, CT_TASK_BLOCKED));
}

gboolean ct_kernel_settle(const struct ct_assembler *assembler, struct ct_thread_state *thread)
{
    struct ct_thread *settled = &thread->thread;
    uint64_t waited_ns[CT_CLASS_COUNT], class_ns[CT_CLASS_COUNT] = {0};
    uint64_t left_ns = settled->end_ns - settled->start_ns;
    struct ct_task_times times = {0};

    if (!thread->task)
        return FALSE;
    settle_sched(thread, &times);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        const struct ct_task_times *covered = &thread->covered[class];

        waited_ns[class] = settled->has_totals
                               ? minus(settled->class_ns[class], thread->nested_ns[class])
                               : (uint64_t)MIN(thread->estimated_ns[class], 9e18);
        class_ns[class] = covered->ns[CT_TASK_BLOCKED] + covered->ns[CT_TASK_BRIEF] +
                          covered->ns[CT_TASK_UNKNOWN];
    }
    uint64_t brief_ns = minus(times.ns[CT_TASK_BRIEF], covered_ns(thread, CT_TASK_BRIEF));

    class_ns[outside_class(assembler, settled)] +=
        settled->sched.outside_ns + share_out(thread, brief_ns, waited_ns, class_ns);
    class_ns[CT_CLASS_UNKNOWN] +=
        minus(times.ns[CT_TASK_UNKNOWN], covered_ns(thread, CT_TASK_UNKNOWN));
    class_ns[CT_CLASS_RUNNABLE] += times.ns[CT_TASK_RUNNABLE];
    class_ns[CT_CLASS_RUNNING] = 0;
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        settled->class_ns[class] = MIN(class_ns[class], left_ns);
        left_ns -= settled->class_ns[class];
    }
    settled->class_ns[CT_CLASS_RUNNING] = left_ns;
    return TRUE;
}
