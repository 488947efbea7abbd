#include "tasks.h"

#include "attach.h"
#include "schema/capture_words.h"
#include "spool/user_registers.h"
#include "spooled.h"

#include <errno.h>

/* What perf_event_mlock_kb (516) leaves an ordinary user for each CPU. */
#define SWITCHES_RING_SIZE ((size_t)512 << 10)

/* Tracepoints take a privilege. */
#define CALLS_RING_SIZE ((size_t)4 << 20)

/* When the task gets and loses a CPU, with its life. */
static struct perf_event_attr switch_event(gboolean on_exec)
{
    struct perf_event_attr attributes = ct_rings_life_event(on_exec);

    attributes.context_switch = 1;
    return attributes;
}

/* A ring of the task's on each CPU: where events are inherited, there is no other way. */
static gboolean open_task_ring(void *user, struct ct_ring *ring)
{
    const struct ct_capture_context *context = user;
    struct perf_event_attr attributes = switch_event(context->is_begun);

    return ct_ring_open(ring, &attributes, context->launched, SWITCHES_RING_SIZE);
}

/* NULL and why not. The rings are taken over. */
static struct ct_rings *attach(struct ct_rings *rings, size_t size,
                               const struct ct_thread_events *events,
                               const struct ct_capture_context *context, char **why_not)
{
    if (ct_rings_attach(rings, size, events, context->running, context->follows_children, why_not))
        return rings;
    ct_rings_free(rings);
    return NULL;
}

static void *open_switches(struct ct_capture_context *context, void *prepared, char **missing)
{
    const struct ct_thread_events events = {
        .attributes = {switch_event(FALSE)}, .count = 1, .needed = 1};
    struct ct_rings *rings = ct_rings_new(CT_RINGS_PROCESS);

    (void)prepared;
    rings = context->running != NULL ? attach(rings, SWITCHES_RING_SIZE, &events, context, missing)
                                     : ct_rings_open_or_explain(rings, open_task_ring, context,
                                                                ct_rings_explain_task, missing);
    return rings != NULL ? ct_spooled_new(rings, context, missing) : NULL;
}

/* So much of a stack as the C library's functions take, down to a system call. */
#define CALLERS_STACK_SIZE 512U

/*
 * A tracepoint of the task's. All of them have a call chain, so that samples have one layout: it is
 * empty but where it is wanted. What else is wanted of a stack comes after the tracepoint's own
 * data.
 */
static struct perf_event_attr call_event(uint64_t id, gboolean wants_stack, gboolean on_exec)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_TRACEPOINT,
        .config = id,
        .sample_type = PERF_SAMPLE_CALLCHAIN |
                       (wants_stack ? PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER : 0),
        .sample_regs_user = wants_stack ? CT_USER_REGISTER_MASK : 0,
        .sample_stack_user = wants_stack ? CALLERS_STACK_SIZE : 0,
        .exclude_callchain_kernel = 1,
        .exclude_callchain_user = !wants_stack,
        .sample_period = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = on_exec,
    };
}

/* What is recorded of a task: mappings, too. */
struct call_events {
    struct perf_event_attr enter;
    struct perf_event_attr leave;
    struct perf_event_attr lose_cpu;
};

static struct call_events call_events(const struct ct_formats *formats, gboolean on_exec)
{
    struct call_events events = {
        .enter = call_event(formats->enter_id, FALSE, on_exec),
        .leave = call_event(formats->exit_id, FALSE, on_exec),
        .lose_cpu = call_event(formats->switch_id, TRUE, on_exec),
    };

    events.enter.mmap = events.enter.mmap2 = 1;
    return events;
}

/* Whom to tell of, and by which tracepoints. */
struct calls {
    const struct ct_capture_context *context; /* borrowed */
    const struct ct_formats *formats;         /* borrowed */
};

/* Stacks only with the privilege for the scheduler's tracepoints. */
static gboolean open_calls_ring(void *user, struct ct_ring *ring)
{
    const struct calls *calls = user;
    struct call_events events = call_events(calls->formats, calls->context->is_begun);
    pid_t pid = calls->context->launched;

    return ct_ring_open(ring, &events.enter, pid, CALLS_RING_SIZE) &&
           ct_ring_add(ring, 1, &events.leave, pid) &&
           (ct_ring_add(ring, 2, &events.lose_cpu, pid) || errno == EACCES || errno == EPERM);
}

/* Of processes that run already. */
static struct ct_rings *attach_calls(struct ct_rings *rings,
                                     const struct ct_capture_context *context, char **why_not)
{
    const struct call_events calls = call_events(&rings->formats, FALSE);
    const struct ct_thread_events events = {
        .attributes = {calls.enter, calls.leave, calls.lose_cpu}, .count = 3, .needed = 2};

    return attach(rings, CALLS_RING_SIZE, &events, context, why_not);
}

static void *open_calls(struct ct_capture_context *context, void *prepared, char **missing)
{
    struct ct_rings *rings = ct_rings_new(CT_RINGS_CALLS);
    struct calls calls = {.context = context, .formats = &rings->formats};

    (void)prepared;
    if (!ct_formats_read(&rings->formats, TRUE, missing)) {
        ct_rings_free(rings);
        return NULL;
    }
    rings = context->running != NULL ? attach_calls(rings, context, missing)
                                     : ct_rings_open_or_explain(rings, open_calls_ring, &calls,
                                                                ct_rings_explain, missing);
    return rings != NULL ? ct_spooled_new(rings, context, missing) : NULL;
}

const struct ct_capture_source ct_perf_switches = {
    .layer = CT_LAYER_KERNEL,
    .origin = CT_FROM_PERF,
    .tells = "when each thread had a CPU",
    .gives = CT_GIVES_SCHED,
    .open = open_switches,
    CT_SPOOLED_SOURCE,
};

const struct ct_capture_source ct_perf_calls = {
    .layer = CT_LAYER_KERNEL,
    .origin = CT_FROM_PERF,
    .tells = "system calls",
    .gives = CT_GIVES_CALLS,
    .open = open_calls,
    CT_SPOOLED_SOURCE,
};
