#include "assemble/task.h"

/* Changes kept of each task: powers of two. Beyond SPANS_KEPT, only those that may be in a wait,
 * and no more than SPANS_OF_ALL of all tasks. */
#define SPANS_LEAST  8
#define SPANS_KEPT   512
#define SPANS_OF_ALL (1U << 18)

void ct_task_free(void *data)
{
    struct ct_task *task = data;

    g_free(task->spans);
    g_free(task);
}

/* ---- Spans ---- */

struct ct_task_span *ct_task_span(const struct ct_task *task, uint32_t index)
{
    return &task->spans[(task->first + index) & (task->capacity - 1)];
}

uint64_t ct_task_span_end_ns(const struct ct_task *task, uint32_t index)
{
    return index + 1 < task->count ? ct_task_span(task, index + 1)->begin_ns : UINT64_MAX;
}

gboolean ct_task_find_span(const struct ct_task *task, uint64_t time_ns, uint32_t *index)
{
    uint32_t low = 0, high = task->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ct_task_span(task, middle)->begin_ns <= time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low - 1;
    return low > 0;
}

/* What no wait has taken, all of it or what came after. */
static gboolean has_rest(const struct ct_task_span *span)
{
    return !span->is_taken || span->taken_ns > 0;
}

void ct_task_hand_on(struct ct_task *task, const struct ct_task_events *events, uint32_t index)
{
    struct ct_task_span *span = ct_task_span(task, index);
    uint64_t end_ns = ct_task_span_end_ns(task, index);

    if (!has_rest(span) || end_ns <= MAX(span->begin_ns, span->taken_ns))
        return;
    span->is_taken = TRUE;
    if (!task->thread)
        task->untold_ns = end_ns;
    else if (span->state == CT_TASK_RUNNING)
        events->on_run(events->user, task, span, end_ns);
    else if (span->state != CT_TASK_BRIEF)
        events->on_rest(events->user, task, span, end_ns);
    span->taken_ns = 0;
}

/* The oldest is in no wait that is over: maybe in one that is not. */
static gboolean may_be_waiting(const struct ct_task *task)
{
    for (uint32_t i = 0; task->is_own && i < task->count; i++) {
        const struct ct_task_span *span = ct_task_span(task, i);

        if (span->state != CT_TASK_RUNNING)
            return !span->is_taken;
    }
    return FALSE;
}

static gboolean can_grow(const struct ct_task *task)
{
    return task->capacity < SPANS_KEPT ||
           (may_be_waiting(task) && *task->spans_of_all + task->capacity <= SPANS_OF_ALL);
}

static void grow(struct ct_task *task)
{
    uint32_t capacity = MAX(2 * task->capacity, SPANS_LEAST);
    struct ct_task_span *spans = g_new(struct ct_task_span, capacity);

    for (uint32_t i = 0; i < task->count; i++)
        spans[i] = *ct_task_span(task, i);
    g_free(task->spans);
    *task->spans_of_all += capacity - task->capacity;
    task->spans = spans;
    task->first = 0;
    task->capacity = capacity;
}

static void forget_oldest(struct ct_task *task, const struct ct_task_events *events)
{
    if (has_rest(ct_task_span(task, 0)))
        task->handed_on_ns = ct_task_span_end_ns(task, 0);
    ct_task_hand_on(task, events, 0);
    task->first = (task->first + 1) & (task->capacity - 1);
    task->count--;
    task->flushed -= task->flushed > 0;
}

/* For one more, if need be in the place of the oldest. */
static void make_room(struct ct_task *task, const struct ct_task_events *events)
{
    if (task->count < task->capacity)
        return;
    if (can_grow(task))
        grow(task);
    else
        forget_oldest(task, events);
}

struct ct_task_span *ct_task_last_span(const struct ct_task *task)
{
    return ct_task_span(task, task->count - 1);
}

enum ct_task_state ct_task_state(const struct ct_task *task)
{
    return task->count > 0 ? ct_task_last_span(task)->state : CT_TASK_UNKNOWN;
}

void ct_task_begin_span(struct ct_task *task, const struct ct_task_events *events,
                        struct ct_task_span span, uint64_t brief_ns)
{
    if (task->count > 0) {
        struct ct_task_span *last = ct_task_last_span(task);

        /* A switch that nobody told is put into the past, but not where its time was counted. */
        span.begin_ns = MAX(span.begin_ns, MAX(last->begin_ns, task->known_ns));
        /* What it was is known now. */
        if (last->state == CT_TASK_BLOCKED && span.begin_ns - last->begin_ns < brief_ns)
            last->state = CT_TASK_BRIEF;
        span.before = last->before;
        span.before.ns[last->state] += span.begin_ns - last->begin_ns;
    }
    make_room(task, events);
    task->count++;
    *ct_task_last_span(task) = span;
}

/* ---- Sums ---- */

/* Between what was last asked for and the oldest span, all states are as if evenly spread. */
static void estimate(const struct ct_task *task, uint64_t time_ns, struct ct_task_times *times)
{
    uint64_t begin_ns = task->known_ns;
    uint64_t end_ns = task->count > 0 ? ct_task_span(task, 0)->begin_ns : begin_ns;

    *times = task->known;
    if (time_ns <= begin_ns || end_ns <= begin_ns)
        return;
    double share = (double)(time_ns - begin_ns) / (double)(end_ns - begin_ns);

    for (size_t state = 0; state < CT_TASK_STATE_COUNT; state++) {
        uint64_t before_ns = ct_task_span(task, 0)->before.ns[state];
        uint64_t more_ns = before_ns - MIN(task->known.ns[state], before_ns);

        times->ns[state] += (uint64_t)((double)more_ns * share);
    }
}

void ct_task_times_at(const struct ct_task *task, uint64_t time_ns, struct ct_task_times *times)
{
    uint32_t index;

    if (time_ns < task->first_ns) {
        *times = (struct ct_task_times){0};
        times->ns[task->first_state] = time_ns;
        return;
    }
    if (!ct_task_find_span(task, time_ns, &index)) {
        estimate(task, time_ns, times);
        return;
    }
    const struct ct_task_span *span = ct_task_span(task, index);

    *times = span->before;
    times->ns[span->state] += time_ns - span->begin_ns;
}

void ct_task_settle(struct ct_task *task, uint64_t time_ns)
{
    struct ct_task_times times;

    if (time_ns <= task->known_ns)
        return;
    ct_task_times_at(task, time_ns, &times);
    task->known = times;
    task->known_ns = time_ns;
}

uint64_t ct_task_end_ns(const struct ct_task *task)
{
    return task->has_ended ? ct_task_last_span(task)->begin_ns : UINT64_MAX;
}

void ct_task_hand_on_runs(struct ct_task *task, const struct ct_task_events *events,
                          uint64_t time_ns)
{
    for (; task->flushed < task->count; task->flushed++) {
        if (ct_task_span_end_ns(task, task->flushed) > time_ns)
            break;
        if (ct_task_span(task, task->flushed)->state == CT_TASK_RUNNING)
            ct_task_hand_on(task, events, task->flushed);
    }
}

struct ct_task_span ct_task_woken_span(const struct ct_task *task, uint64_t begin_ns)
{
    return (struct ct_task_span){.begin_ns = begin_ns,
                                 .state = CT_TASK_RUNNABLE,
                                 .waker = task->waker,
                                 .waker_stack_id = task->waker_stack_id};
}

void ct_task_set_waker_stack(struct ct_task *task, uint64_t time_ns, uint32_t stack_id)
{
    struct ct_task_span *span = task->count > 0 ? ct_task_last_span(task) : NULL;

    if (task->woken_ns == time_ns)
        task->waker_stack_id = stack_id;
    if (span && span->state == CT_TASK_RUNNABLE && span->waker && span->begin_ns == time_ns)
        span->waker_stack_id = stack_id;
}

void ct_task_set_priority(const struct ct_task *task, int32_t priority)
{
    if (!task || !task->thread)
        return;
    task->thread->sched.has_priority = TRUE;
    task->thread->sched.priority = priority;
}
