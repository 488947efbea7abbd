#include "assemble/binding.h"

#include "assemble/thread_state.h"

/* From when a thread begins to when its first event says so, at most: else that was lost. */
#define START_LAG_NS 10000000

struct ct_binding {
    struct ct_model *model;   /* borrowed */
    struct ct_output *output; /* borrowed */
    struct ct_tasks *tasks;   /* owned */
    gboolean has_calls;       /* the kernel tells of system calls */
    gboolean is_settled;      /* when each thread began and ended is known */
};

/* ---- What tasks did outside of all waits ---- */

/* The earlier of a time and the thread's end, as far as that is known by now. */
static uint64_t known_end_ns(const struct ct_binding *binding, const struct ct_thread_state *thread,
                             uint64_t time_ns)
{
    if (thread->thread.has_exited || binding->is_settled)
        return MIN(time_ns, thread->thread.end_ns);
    return thread->binding.has_end_times ? MIN(time_ns, thread->binding.last_seen_ns) : time_ns;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a - MIN(a, b);
}

/* Of one that was known late, what came before that is unknown. */
static gboolean was_known_late(const struct ct_thread_state *thread)
{
    return minus(thread->binding.begin_ns, thread->thread.start_ns) > START_LAG_NS;
}

/* From then on, what its task did is its own. */
static uint64_t known_begin_ns(const struct ct_thread_state *thread)
{
    return was_known_late(thread) ? thread->binding.begin_ns : thread->thread.start_ns;
}

static void on_run(void *user, struct ct_task *task, const struct ct_task_span *span,
                   uint64_t end_ns)
{
    const struct ct_binding *binding = user;
    struct ct_thread *thread = task->thread;
    struct ct_run run = {
        .thread = thread,
        .cpu = span->cpu,
        .begin_ns = MAX(span->begin_ns, known_begin_ns(ct_thread_state(thread))),
        .end_ns = known_end_ns(binding, ct_thread_state(thread), end_ns),
    };

    if (run.begin_ns < run.end_ns)
        ct_output_add_run(binding->output, &run);
}

enum ct_class ct_binding_outside_class(const struct ct_binding *binding,
                                       const struct ct_thread *thread)
{
    return thread->process->is_unpreloaded && !binding->has_calls ? CT_CLASS_UNKNOWN
                                                                  : CT_CLASS_OTHER;
}

static enum ct_class rest_class(const struct ct_binding *binding, const struct ct_thread *thread,
                                enum ct_task_state state)
{
    return state == CT_TASK_RUNNABLE  ? CT_CLASS_RUNNABLE
           : state == CT_TASK_BLOCKED ? ct_binding_outside_class(binding, thread)
                                      : CT_CLASS_UNKNOWN;
}

static void on_rest(void *user, struct ct_task *task, const struct ct_task_span *span,
                    uint64_t end_ns)
{
    const struct ct_binding *binding = user;
    struct ct_thread *thread = task->thread;
    struct ct_interval interval = {
        .thread = thread,
        .begin_ns =
            MAX(MAX(span->begin_ns, span->taken_ns), known_begin_ns(ct_thread_state(thread))),
        .end_ns = known_end_ns(binding, ct_thread_state(thread), end_ns),
        .previous_end_ns = span->taken_ns,
        .weight = 1,
        .is_outside = TRUE,
        .class = rest_class(binding, thread, span->state),
        .waker = span->waker ? span->waker->thread : NULL,
        .wake_ns = span->waker ? span->begin_ns : 0,
        .waker_stack_id = span->waker_stack_id,
        .preempted_by = span->preempted_by,
    };

    if (interval.begin_ns >= interval.end_ns)
        return;
    interval.wait_begin_ns = interval.begin_ns;
    interval.wait_end_ns = interval.end_ns;
    if (span->state == CT_TASK_RUNNABLE)
        ct_output_add_queued(binding->output, &interval);
    else
        ct_output_add_interval(binding->output, &interval);
}

struct ct_binding *ct_binding_new(struct ct_model *model, struct ct_output *output)
{
    struct ct_binding *binding = g_new0(struct ct_binding, 1);
    const struct ct_task_events events = {.user = binding, .on_run = on_run, .on_rest = on_rest};

    binding->model = model;
    binding->output = output;
    binding->tasks = ct_tasks_new(&events, model->names);
    return binding;
}

void ct_binding_free(struct ct_binding *binding)
{
    ct_tasks_free(binding->tasks);
    g_free(binding);
}

/* ---- What is told ---- */

gboolean ct_binding_add(struct ct_binding *binding, const struct ct_kernel_record *record)
{
    return ct_tasks_add(binding->tasks, record);
}

void ct_binding_lose(struct ct_binding *binding, const struct ct_kernel_loss *loss)
{
    if (loss->has_switches)
        ct_tasks_lost(binding->tasks, loss->cpu, loss->begin_ns, loss->end_ns);
}

void ct_binding_set_rate(struct ct_binding *binding, uint64_t rate_ns)
{
    ct_tasks_set_brief(binding->tasks, rate_ns);
}

void ct_binding_expect_calls(struct ct_binding *binding)
{
    binding->has_calls = TRUE;
}

/* ---- Binding ---- */

/* Keeps what its task did until then, for when that is forgotten. */
static void end_thread(struct ct_thread_state *thread, uint64_t end_ns)
{
    if (!thread->binding.task || thread->binding.has_end_times)
        return;
    ct_task_times_at(thread->binding.task, end_ns, &thread->binding.end);
    thread->binding.has_end_times = TRUE;
    thread->binding.last_seen_ns = end_ns;
}

void ct_binding_end_thread(struct ct_thread_state *thread)
{
    end_thread(thread, thread->thread.end_ns);
}

/* The task has another image from `begin_ns` on, which says so itself, and so is on a CPU: what it
 * did before was the thread's before. */
static void unbind(struct ct_binding *binding, struct ct_task *task, uint64_t begin_ns)
{
    struct ct_thread_state *thread = ct_thread_state(task->thread);
    const struct ct_image *image = ct_image_of(&thread->thread);
    uint32_t index;

    end_thread(thread,
               image->has_ended ? image->process.end_ns : ct_output_now_ns(binding->output));
    ct_task_seen_running(binding->tasks, task, begin_ns);
    ct_task_flush(binding->tasks, task, begin_ns);
    /* The span in which that was is both's: each has its part. */
    if (ct_task_find_span(task, begin_ns, &index) &&
        ct_task_span(task, index)->state == CT_TASK_RUNNING)
        on_run(binding, task, ct_task_span(task, index), begin_ns);
}

void ct_binding_bind(struct ct_binding *binding, struct ct_thread_state *thread, uint64_t begin_ns)
{
    if (thread->binding.task || thread->thread.has_exited)
        return;
    struct ct_task *task = ct_tasks_find(binding->tasks, thread->thread.tid);

    if (!task)
        return;
    if (task->thread && task->thread->start_ns >= thread->thread.start_ns)
        return; /* another image's by now */
    if (task->thread)
        unbind(binding, task, begin_ns);
    thread->binding.task = task;
    thread->binding.begin_ns = MAX(begin_ns, task->untold_ns);
    thread->thread.sched.is_known = TRUE;
    task->thread = &thread->thread;
    task->is_own = TRUE;
    ct_task_times_at(task, thread->binding.begin_ns, &thread->binding.begin);
    ct_task_settle(task, thread->binding.begin_ns);
}

void ct_binding_replace(struct ct_binding *binding, struct ct_image *image)
{
    struct ct_thread *main_thread =
        g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(image->process.pid));

    if (main_thread && !image->has_ended)
        ct_binding_bind(binding, ct_thread_state(main_thread), main_thread->start_ns);
}

void ct_binding_see_running(struct ct_binding *binding, const struct ct_thread_state *thread,
                            uint64_t time_ns)
{
    if (thread->binding.task)
        ct_task_seen_running(binding->tasks, thread->binding.task, time_ns);
}

void ct_binding_flush_runs(struct ct_binding *binding, const struct ct_thread_state *thread,
                           uint64_t time_ns)
{
    ct_task_flush_runs(binding->tasks, thread->binding.task, time_ns);
}

/* ---- What is known ---- */

struct ct_task *ct_binding_task(const struct ct_thread_state *thread)
{
    return thread->binding.task;
}

uint64_t ct_binding_begin_ns(const struct ct_thread_state *thread)
{
    return thread->binding.begin_ns;
}

struct ct_thread_state *ct_binding_find(const struct ct_binding *binding, int32_t tid)
{
    const struct ct_task *task = ct_tasks_find(binding->tasks, tid);

    return task && task->thread && !ct_image_of(task->thread)->is_replaced
               ? ct_thread_state(task->thread)
               : NULL;
}

gboolean ct_binding_may_run_on(const struct ct_binding *binding,
                               const struct ct_thread_state *thread, uint32_t cpu, uint64_t time_ns)
{
    const struct ct_task *task = ct_tasks_find(binding->tasks, thread->thread.tid);

    return !task || ct_task_may_run_on(binding->tasks, task, cpu, time_ns);
}

uint64_t ct_binding_task_end_ns(const struct ct_thread_state *thread)
{
    const struct ct_task *task = thread->binding.task;

    return task && task->thread == &thread->thread ? ct_task_end_ns(task) : UINT64_MAX;
}

uint64_t ct_binding_image_end_ns(const struct ct_image *image)
{
    GHashTableIter at;
    void *value;
    uint64_t end_ns = 0;

    g_hash_table_iter_init(&at, image->process.threads);
    while (g_hash_table_iter_next(&at, NULL, &value)) {
        const struct ct_thread_state *thread = ct_thread_state(value);

        if (thread->binding.task && thread->binding.task->thread == &thread->thread)
            end_ns = MAX(end_ns, ct_task_end_ns(thread->binding.task));
    }
    return end_ns != 0 ? end_ns : UINT64_MAX;
}

/* ---- At the end ---- */

void ct_binding_settle(struct ct_binding *binding)
{
    binding->is_settled = TRUE;
    for (guint i = 0; i < binding->model->threads->len; i++) {
        struct ct_thread_state *thread = g_ptr_array_index(binding->model->threads, i);

        ct_binding_bind(binding, thread, thread->thread.start_ns);
        /* It was there before a delayed recording began, which its life begins with. */
        if (thread->binding.task && thread->thread.start_ns > thread->binding.begin_ns &&
            thread->thread.start_ns < thread->binding.task->first_ns)
            ct_task_times_at(thread->binding.task, thread->thread.start_ns, &thread->binding.begin);
    }
}

gboolean ct_binding_is_settled(const struct ct_binding *binding)
{
    return binding->is_settled;
}

void ct_binding_finish(struct ct_binding *binding)
{
    ct_tasks_finish(binding->tasks, binding->model->end_ns);
    binding->model->capture.switches_missed = ct_tasks_missed(binding->tasks);
}

void ct_binding_sum_life(struct ct_thread_state *thread, struct ct_task_times *times)
{
    struct ct_thread *settled = &thread->thread;
    uint64_t life_ns = settled->end_ns - settled->start_ns;
    uint64_t seen_ns = 0;
    uint32_t index;

    if (was_known_late(thread))
        times->ns[CT_TASK_UNKNOWN] = thread->binding.begin_ns - settled->start_ns;
    else if (ct_task_find_span(thread->binding.task, settled->start_ns, &index))
        ct_task_times_at(thread->binding.task, settled->start_ns, &thread->binding.begin);
    else if (settled->start_ns <
             thread->binding.begin_ns) /* it ran as it wrote that it had begun */
        times->ns[CT_TASK_RUNNING] = thread->binding.begin_ns - settled->start_ns;
    if (!thread->binding.has_end_times ||
        ct_task_find_span(thread->binding.task, settled->end_ns, &index))
        ct_task_times_at(thread->binding.task, settled->end_ns, &thread->binding.end);
    for (size_t state = 0; state < CT_TASK_STATE_COUNT; state++) {
        times->ns[state] += minus(thread->binding.end.ns[state], thread->binding.begin.ns[state]);
        seen_ns += times->ns[state];
    }
    times->ns[CT_TASK_UNKNOWN] += minus(life_ns, seen_ns);
    settled->sched.running_ns = times->ns[CT_TASK_RUNNING];
    settled->sched.runnable_ns = times->ns[CT_TASK_RUNNABLE];
    settled->sched.blocked_ns = times->ns[CT_TASK_BLOCKED] + times->ns[CT_TASK_BRIEF];
    settled->sched.unknown_ns = times->ns[CT_TASK_UNKNOWN];
}
