#include "assemble/waits.h"

#include "assemble/descriptors.h"
#include "assemble/thread_state.h"

/* By no more than this do the program's clock and the kernel's differ where a wait begins: the
 * program may lose its CPU between reading the clock and writing the event. */
#define SKEW_NS 10000000

struct ct_waits {
    struct ct_binding *binding; /* borrowed */
    struct ct_output *output;   /* borrowed */
    struct ct_extent *extent;   /* borrowed */
};

struct ct_waits *ct_waits_new(struct ct_binding *binding, struct ct_output *output,
                              struct ct_extent *extent)
{
    struct ct_waits *waits = g_new0(struct ct_waits, 1);

    *waits = (struct ct_waits){binding, output, extent};
    return waits;
}

void ct_waits_free(struct ct_waits *waits)
{
    g_free(waits);
}

void ct_waits_begin_thread(struct ct_thread_state *thread, uint64_t start_ns)
{
    thread->waits.last_end_ns = start_ns;
}

void ct_waits_end_thread(struct ct_thread_state *thread)
{
    ct_nesting_clear(&thread->waits.nesting);
}

uint64_t ct_waits_last_end_ns(const struct ct_thread_state *thread)
{
    return thread->waits.last_end_ns;
}

const struct ct_wait_sums *ct_waits_sums(const struct ct_thread_state *thread)
{
    return &thread->waits.sums;
}

double ct_sampled_weight(uint64_t duration_ns, uint64_t rate_ns)
{
    return duration_ns > 0 && duration_ns < rate_ns ? (double)rate_ns / (double)duration_ns : 1.0;
}

/* ---- A section of a wait, by what its thread did ---- */

struct pieces {
    struct ct_output *output;          /* borrowed */
    const struct ct_interval *section; /* borrowed */
    uint64_t told_ns;                  /* what came before counts as one piece */
    uint64_t previous_end_ns;          /* of the wait's last piece of its own class */
    uint64_t begin_ns;                 /* of the piece at hand */
    uint64_t end_ns;                   /* of the same; equal: there is none */
    guint count;                       /* pieces handed on, of the wait's own class */
    struct ct_thread *waker;
    uint64_t wake_ns;
    uint32_t waker_stack_id;
};

/* What the thread was blocked for. */
static void end_piece(struct pieces *pieces)
{
    struct ct_interval interval = *pieces->section;

    if (pieces->begin_ns == pieces->end_ns)
        return;
    interval.begin_ns = pieces->begin_ns;
    interval.end_ns = pieces->end_ns;
    interval.previous_end_ns = pieces->previous_end_ns;
    interval.waker = pieces->waker;
    interval.wake_ns = pieces->wake_ns;
    interval.waker_stack_id = pieces->waker_stack_id;
    pieces->previous_end_ns = pieces->end_ns;
    pieces->begin_ns = pieces->end_ns;
    pieces->count++;
    ct_output_add_interval(pieces->output, &interval);
}

static void add_blocked(struct pieces *pieces, uint64_t begin_ns, uint64_t end_ns)
{
    if (pieces->begin_ns == pieces->end_ns)
        pieces->begin_ns = begin_ns;
    pieces->end_ns = end_ns;
}

/* The program's clock is not the kernel's: the wait may end before its thread has the CPU again. */
static void take(const struct ct_task *task, uint32_t index, uint64_t end_ns)
{
    struct ct_task_span *span = ct_task_span(task, index);

    span->is_taken = TRUE;
    span->taken_ns = end_ns < ct_task_span_end_ns(task, index) ? end_ns : 0;
}

static void add_queued(struct pieces *pieces, const struct ct_task *task, uint32_t index,
                       uint64_t end_ns)
{
    struct ct_task_span *span = ct_task_span(task, index);
    struct ct_interval interval = *pieces->section;

    if (span->is_taken || span->begin_ns < pieces->section->begin_ns || end_ns <= span->begin_ns)
        return;
    take(task, index, end_ns);
    /* Who killed a thread did not let it go on. */
    if (span->waker && span->waker->thread != task->thread && !pieces->section->is_open) {
        pieces->waker = span->waker->thread;
        pieces->wake_ns = span->begin_ns;
        pieces->waker_stack_id = span->waker_stack_id;
    }
    end_piece(pieces);
    interval.begin_ns = span->begin_ns;
    interval.end_ns = end_ns;
    interval.previous_end_ns = 0;
    interval.weight = 1;
    interval.class = CT_CLASS_RUNNABLE;
    interval.waker = pieces->waker;
    interval.wake_ns = pieces->wake_ns;
    interval.waker_stack_id = pieces->waker_stack_id;
    interval.preempted_by = span->preempted_by;
    ct_output_add_queued(pieces->output, &interval);
}

static void add_span(struct pieces *pieces, const struct ct_task *task, uint32_t index)
{
    const struct ct_interval *section = pieces->section;
    struct ct_task_span *span = ct_task_span(task, index);
    uint64_t begin_ns = MAX(span->begin_ns, pieces->told_ns);
    uint64_t end_ns = MIN(ct_task_span_end_ns(task, index), section->end_ns);

    if (begin_ns >= end_ns)
        return;
    switch (span->state) {
    case CT_TASK_RUNNING:
        end_piece(pieces);
        break;
    case CT_TASK_RUNNABLE:
        add_queued(pieces, task, index, end_ns);
        break;
    default:
        take(task, index, end_ns);
        add_blocked(pieces, begin_ns, end_ns);
        break;
    }
}

/* Sums what the task did in the section, from when that was told, by the section's class. */
static void cover(struct ct_thread_state *thread, const struct ct_interval *section,
                  uint64_t told_ns)
{
    struct ct_task_times *covered = &thread->waits.sums.covered[section->class];
    struct ct_task *task = ct_binding_task(thread);
    struct ct_task_times begin, end;

    covered->ns[CT_TASK_UNKNOWN] += told_ns - section->begin_ns;
    ct_task_times_at(task, told_ns, &begin);
    ct_task_times_at(task, section->end_ns, &end);
    for (size_t state = 0; state < CT_TASK_STATE_COUNT; state++)
        covered->ns[state] += end.ns[state] - MIN(begin.ns[state], end.ns[state]);
    ct_task_settle(task, section->end_ns);
}

/* FALSE: it is not known. */
static gboolean split_section(struct ct_waits *waits, struct ct_thread_state *thread,
                              struct ct_interval *interval)
{
    struct ct_task *task = ct_binding_task(thread);
    struct pieces pieces = {
        .output = waits->output, .section = interval, .previous_end_ns = interval->previous_end_ns};
    uint64_t told_ns = MAX(interval->begin_ns, ct_binding_begin_ns(thread));
    uint32_t first;

    if (!task || task->count == 0 || (interval->begin_ns < told_ns && interval->end_ns <= told_ns))
        return FALSE;
    /* What came before may be in a wait that this one interrupts: that is told of later. */
    ct_binding_flush_runs(waits->binding, thread, interval->begin_ns);
    cover(thread, interval, told_ns);
    if (!ct_task_find_span(task, told_ns, &first)) {
        first = 0;
        told_ns = MIN(ct_task_span(task, 0)->begin_ns, interval->end_ns);
    }
    /* What is forgotten was not in it, as far as was known then. */
    uint64_t begin_ns = MAX(interval->begin_ns, task->handed_on_ns);

    if (begin_ns < told_ns)
        add_blocked(&pieces, begin_ns, told_ns);
    pieces.told_ns = told_ns;
    for (uint32_t i = first; i < task->count && ct_task_span(task, i)->begin_ns < interval->end_ns;
         i++)
        add_span(&pieces, task, i);
    end_piece(&pieces);
    if (pieces.count == 0 &&
        !interval->is_outside) { /* it never blocked, but it is a wait all the same */
        struct ct_interval empty = *interval;

        empty.begin_ns = empty.end_ns;
        ct_output_add_interval(pieces.output, &empty);
    }
    return TRUE;
}

/* ---- Waits ---- */

/* The descriptor that it was a wait on, or that it gave; NULL: none that was described. */
static const struct ct_fd *find_fd(const struct ct_process *process,
                                   const struct ct_interval *interval)
{
    gboolean has_opened = interval->op == CT_OP_OPEN && interval->result >= 0;

    if (ct_op_object(interval->op) != CT_OBJECT_FD && !has_opened)
        return NULL;
    return ct_descriptors_find(process, has_opened ? interval->result : (int32_t)interval->object);
}

/* Clocks differ by some microseconds: moves the wait so that its thread still runs as it begins. */
static void align(struct ct_waits *waits, struct ct_thread_state *thread,
                  struct ct_interval *interval)
{
    uint32_t index;

    ct_binding_bind(waits->binding, thread, thread->thread.start_ns);
    const struct ct_task *task = ct_binding_task(thread);

    if (!task || !ct_task_find_span(task, interval->begin_ns, &index))
        return;
    const struct ct_task_span *span = ct_task_span(task, index);
    uint64_t skew_ns = interval->begin_ns - span->begin_ns;

    if ((span->state != CT_TASK_BLOCKED && span->state != CT_TASK_BRIEF) || skew_ns > SKEW_NS)
        return;
    interval->begin_ns -= skew_ns;
    if (!interval->is_open)
        interval->end_ns -= skew_ns;
}

/* What no wait inside it has taken. */
static void add_section(struct ct_waits *waits, struct ct_thread_state *thread,
                        struct ct_interval *interval)
{
    struct ct_wait_sums *sums = &thread->waits.sums;
    uint64_t section_ns = interval->end_ns - interval->begin_ns;

    sums->nested_ns[interval->class] -= section_ns;
    sums->estimated_ns[interval->class] += interval->weight * (double)section_ns;
    sums->recorded_ns[interval->class] += section_ns;
    if (!split_section(waits, thread, interval))
        ct_output_add_interval(waits->output, interval);
}

void ct_waits_add(struct ct_waits *waits, uint64_t now_ns, struct ct_thread_state *thread,
                  struct ct_interval *interval)
{
    const uint64_t dropped_ns = ct_extent_dropped_ns(waits->extent);

    align(waits, thread, interval);
    const uint64_t begin_ns = MAX(interval->begin_ns, dropped_ns);
    struct ct_span wait = {MAX(begin_ns, thread->thread.start_ns), interval->end_ns};
    struct ct_span sections[CT_NESTING_SECTIONS_MAX];
    uint64_t *nested_ns = &thread->waits.sums.nested_ns[interval->class];

    wait.end_ns = MAX(wait.begin_ns, wait.end_ns);
    ct_output_turn_to(waits->output, now_ns);
    unsigned count = ct_nesting_take(&thread->waits.nesting, &wait, sections);

    interval->thread = &thread->thread;
    interval->wait_begin_ns = wait.begin_ns;
    interval->wait_end_ns = wait.end_ns;
    if (!interval->fd)
        interval->fd = find_fd(thread->thread.process, interval);
    thread->waits.last_end_ns = wait.end_ns;
    thread->thread.interval_count++;
    *nested_ns = ct_add_u64(*nested_ns, wait.end_ns - wait.begin_ns);
    ct_extent_add_wait(waits->extent, wait.begin_ns, wait.end_ns);
    for (unsigned i = 0; i < count; i++) {
        interval->begin_ns = sections[i].begin_ns;
        interval->end_ns = sections[i].end_ns;
        interval->previous_end_ns = i > 0 ? sections[i - 1].end_ns : 0;
        add_section(waits, thread, interval);
    }
}

void ct_waits_add_unknown(struct ct_waits *waits, struct ct_thread_state *thread, uint64_t begin_ns,
                          uint64_t end_ns)
{
    ct_binding_bind(waits->binding, thread, thread->thread.start_ns);
    struct ct_interval interval = {
        .thread = &thread->thread,
        .begin_ns = MAX(begin_ns, MAX(thread->thread.start_ns, ct_binding_begin_ns(thread))),
        .end_ns = end_ns,
        .weight = 1,
        .is_outside = TRUE,
        .class = CT_CLASS_UNKNOWN,
    };

    interval.wait_begin_ns = interval.begin_ns;
    interval.wait_end_ns = interval.end_ns;
    if (interval.begin_ns < interval.end_ns)
        split_section(waits, thread, &interval);
}
