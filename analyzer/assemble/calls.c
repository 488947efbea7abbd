#include "assemble/calls.h"

#include "assemble/call_fds.h"
#include "assemble/call_kinds.h"
#include "assemble/thread_state.h"

struct ct_calls {
    struct ct_calls_needs needs;
    uint64_t lossy_until_ns; /* up to then, those made on this CPU are lost */
    uint32_t lossy_cpu;      /* CT_ANY_CPU: on more than one */
};

struct ct_calls *ct_calls_new(const struct ct_calls_needs *needs)
{
    struct ct_calls *calls = g_new0(struct ct_calls, 1);

    calls->needs = *needs;
    return calls;
}

void ct_calls_free(struct ct_calls *calls)
{
    g_free(calls);
}

/* ---- Stacks ---- */

static gboolean is_in_module(const struct ct_process *process, uint64_t address)
{
    for (guint i = 0; i < process->modules->len; i++) {
        const struct ct_module *module = g_ptr_array_index(process->modules, i);

        if (address > module->begin && address <= module->end)
            return TRUE;
    }
    return FALSE;
}

/* Frame pointers lead astray where a caller keeps none: no program begins in its data. */
static uint32_t count_callers(const struct ct_image *image,
                              const struct ct_kernel_callstack_user *event)
{
    const struct ct_u64_sequence *addresses = &event->addresses;
    uint32_t count = MIN(addresses->count, CT_STACK_MAX_FRAMES);

    while (image->process.is_unpreloaded && event->is_by_frame_pointers && count > 1 &&
           !is_in_module(&image->process, addresses->values[count - 1]))
        count--;
    return count;
}

static uint32_t intern(struct ct_calls *calls, struct ct_image *image,
                       const struct ct_kernel_callstack_user *event, uint64_t time_ns)
{
    uint32_t count = MIN(event->addresses.count, CT_STACK_MAX_FRAMES);
    uint32_t sane = count_callers(image, event);
    const struct ct_stack stack = {
        .count = sane,
        .time_ns = time_ns,
        .omitted = event->omitted,
        .outermost = event->outermost - MIN(event->outermost, count - sane),
        .is_by_frame_pointers = event->is_by_frame_pointers != 0,
        .is_partial = event->is_partial != 0,
    };

    return ct_tables_intern_stack(calls->needs.tables, image, &stack, event->addresses.values);
}

/* ---- Who makes a call ---- */

static struct ct_thread_state *find_thread(const struct ct_calls *calls, int32_t tid)
{
    struct ct_thread_state *thread = ct_binding_find(calls->needs.binding, tid);

    return thread ? thread : ct_lives_find_unpreloaded(calls->needs.lives, tid);
}

/* Who makes the call, and so is on a CPU. */
static struct ct_thread_state *find_caller(struct ct_calls *calls,
                                           const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread = find_thread(calls, record->tid);

    if (thread)
        ct_binding_see_running(calls->needs.binding, thread, record->time_ns);
    return thread;
}

/* ---- Calls of which some are lost ---- */

static void doubt(struct ct_thread_state *thread, uint64_t time_ns)
{
    struct ct_thread_call *call = &thread->call;

    if (!call->is_doubtful)
        call->doubtful_ns = call->is_made ? call->begin_ns : time_ns;
    call->is_doubtful = TRUE;
}

/* It is on the CPU. */
static void doubt_if_lossy(const struct ct_calls *calls, struct ct_thread_state *thread,
                           const struct ct_kernel_record *record)
{
    if (record->time_ns < calls->lossy_until_ns &&
        (calls->lossy_cpu == CT_ANY_CPU || calls->lossy_cpu == record->cpu))
        doubt(thread, record->time_ns);
}

/* It was not in the call that it seemed to be in, or not all the time. */
static void drop_doubtful(struct ct_calls *calls, struct ct_thread_state *thread, uint64_t end_ns)
{
    struct ct_thread_call *call = &thread->call;

    if (!call->is_doubtful)
        return;
    call->is_doubtful = FALSE;
    call->is_made = FALSE;
    if (thread->thread.process->is_unpreloaded)
        ct_waits_add_unknown(calls->needs.waits, thread, call->doubtful_ns, end_ns);
}

/* The exit is the call's own; a call that goes on after a signal has another name then. */
static gboolean is_exit_of(const struct ct_kernel_syscall *made,
                           const struct ct_kernel_syscall *exit)
{
    return exit->call == CT_SYSCALL_restart_syscall || g_strcmp0(made->name, exit->name) == 0;
}

/* ---- Calls ---- */

/* With all the pieces that it was made in. */
static void count(struct ct_thread_state *thread)
{
    struct ct_thread_call *call = &thread->call;

    if (!call->is_uncounted)
        return;
    ct_tables_count_call(thread->thread.process, ct_call_op(&call->made), call->uncounted_ns);
    call->is_uncounted = FALSE;
    call->uncounted_ns = 0;
}

static void add_piece(struct ct_thread_state *thread, const struct ct_interval *interval)
{
    thread->call.is_uncounted = TRUE;
    thread->call.uncounted_ns += interval->end_ns - interval->begin_ns;
}

static void enter(struct ct_thread_state *thread, const struct ct_kernel_record *record)
{
    struct ct_thread_call *call = &thread->call;
    gboolean goes_on = record->as.syscall.call == CT_SYSCALL_restart_syscall;

    if (!goes_on || call->made.name == NULL) {
        count(thread);
        call->made = record->as.syscall;
    }
    call->begin_ns = record->time_ns;
    call->is_made = TRUE;
    call->has_blocked = FALSE;
    call->stack_id = 0;
}

static struct ct_interval interval_of(const struct ct_calls *calls,
                                      const struct ct_thread_state *thread, uint64_t end_ns)
{
    const struct ct_thread_call *call = &thread->call;
    enum ct_op op = ct_call_op(&call->made);

    return (struct ct_interval){
        .begin_ns = call->begin_ns,
        .end_ns = MAX(end_ns, call->begin_ns),
        .weight = 1,
        .object = ct_call_object(&call->made),
        .call_name = op == CT_OP_OTHER_SYSCALL
                         ? g_string_chunk_insert_const(calls->needs.model->names, call->made.name)
                         : NULL,
        .op = op,
        .class = ct_call_class(thread->thread.process, &call->made),
        .stack_id = call->stack_id,
    };
}

static void leave(struct ct_calls *calls, struct ct_thread_state *thread,
                  const struct ct_kernel_record *record)
{
    struct ct_thread_call *call = &thread->call;
    struct ct_process *process = thread->thread.process;
    int64_t result = record->as.syscall.result;

    if (!call->is_made || !is_exit_of(&call->made, &record->as.syscall))
        drop_doubtful(calls, thread, record->time_ns);
    call->is_doubtful = FALSE;
    if (!call->is_made)
        return;
    struct ct_interval interval = interval_of(calls, thread, record->time_ns);

    call->is_made = FALSE;
    interval.result = result == CT_SYSCALL_RESULT_UNKNOWN
                          ? CT_RESULT_UNKNOWN
                          : (int32_t)CLAMP(result, INT16_MIN, INT16_MAX);
    if (process->is_unpreloaded) {
        add_piece(thread, &interval);
        if (call->has_blocked)
            ct_waits_add(calls->needs.waits, record->time_ns, thread, &interval);
        if (result >= 0)
            ct_call_follow_fds(calls->needs.descriptors, process, &call->made, result);
    } else if (call->has_blocked && !ct_call_is_preloads_own(&call->made) &&
               interval.end_ns - interval.begin_ns >= process->rate_ns) {
        ct_call_dedup_hold(calls->needs.dedup, thread, &interval);
    }
}

/* It waits, and this is where it was called from. The switch itself may be lost. */
static void add_callers(struct ct_calls *calls, struct ct_thread_state *thread,
                        const struct ct_kernel_record *record)
{
    if (ct_reasons_has_begun(thread)) {
        ct_reasons_set_stack(thread, intern(calls, ct_image_of(&thread->thread),
                                            &record->as.callstack_user, record->time_ns));
        return;
    }
    thread->call.has_blocked = TRUE;
    if (thread->call.is_made && thread->call.stack_id == 0)
        thread->call.stack_id = intern(calls, ct_image_of(&thread->thread),
                                       &record->as.callstack_user, record->time_ns);
}

/* It lets another thread go on, and this is where it does so. */
static void add_waker(struct ct_calls *calls, const struct ct_kernel_record *record)
{
    const struct ct_kernel_callstack_waker *event = &record->as.callstack_waker;
    struct ct_thread_state *waker = find_thread(calls, record->tid);
    struct ct_thread_state *woken = find_thread(calls, event->tid);
    struct ct_task *task = woken ? ct_binding_task(woken) : NULL;
    const struct ct_kernel_callstack_user callers = {
        .is_by_frame_pointers = event->is_by_frame_pointers,
        .is_partial = event->is_partial,
        .addresses = event->addresses,
        .omitted = event->omitted,
        .outermost = event->outermost,
    };

    if (waker && task)
        ct_task_set_waker_stack(
            task, record->time_ns,
            intern(calls, ct_image_of(&waker->thread), &callers, record->time_ns));
}

static void lose_cpu(const struct ct_calls *calls, int32_t tid)
{
    struct ct_thread_state *thread = find_thread(calls, tid);

    if (thread)
        thread->call.has_blocked = TRUE;
}

static void get_cpu(const struct ct_calls *calls, int32_t tid,
                    const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread = find_thread(calls, tid);

    if (!thread)
        return;
    ct_reasons_end(calls->needs.reasons, thread, record->time_ns, record->time_ns, FALSE);
    doubt_if_lossy(calls, thread, record);
}

static void add_call(struct ct_calls *calls, const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread = find_caller(calls, record);

    if (!thread)
        return;
    ct_reasons_drop(thread);
    if (record->event == CT_KERNEL_ID_SYSCALL_EXIT) {
        leave(calls, thread, record);
    } else {
        drop_doubtful(calls, thread, record->time_ns);
        enter(thread, record);
    }
    doubt_if_lossy(calls, thread, record);
}

void ct_calls_add(struct ct_calls *calls, const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread;

    switch (record->event) {
    case CT_KERNEL_ID_SYSCALL_EXIT:
        ct_binding_expect_calls(calls->needs.binding);
        add_call(calls, record);
        break;
    case CT_KERNEL_ID_SYSCALL_ENTRY:
        add_call(calls, record);
        break;
    case CT_KERNEL_ID_SCHED_SWITCH:
        if ((record->as.sched_switch.prev_state & CT_TASK_STATE_MASK) != 0)
            lose_cpu(calls, record->as.sched_switch.prev_tid);
        get_cpu(calls, record->as.sched_switch.next_tid, record);
        break;
    case CT_KERNEL_ID_PROCESS_THREAD:
        if (record->as.process_thread.is_blocked)
            lose_cpu(calls, record->as.process_thread.tid);
        break;
    case CT_KERNEL_ID_CONTEXT_SWITCH:
        if (!record->as.context_switch.is_out)
            get_cpu(calls, record->as.context_switch.tid, record);
        else if (!record->as.context_switch.is_preempted)
            lose_cpu(calls, record->as.context_switch.tid);
        break;
    case CT_KERNEL_ID_OFF_CPU_UNTIL:
        if (record->as.off_cpu_until.is_blocked)
            lose_cpu(calls, record->as.off_cpu_until.tid);
        break;
    case CT_KERNEL_ID_CALLSTACK_USER:
        if ((thread = find_thread(calls, record->as.callstack_user.tid)))
            add_callers(calls, thread, record);
        break;
    case CT_KERNEL_ID_CALLSTACK_WAKER:
        add_waker(calls, record);
        break;
    case CT_KERNEL_ID_OFF_CPU_REASON:
        if ((thread = find_thread(calls, record->as.off_cpu_reason.tid)))
            ct_reasons_begin(calls->needs.reasons, thread, record);
        break;
    default:
        break;
    }
}

/* Calls are told to the ring of the CPU that they are made on: of a task that is blocked, or on
 * another CPU, none is lost. */
void ct_calls_lose(struct ct_calls *calls, const struct ct_kernel_loss *loss)
{
    if (loss->has_calls) {
        gboolean is_one_more =
            loss->begin_ns < calls->lossy_until_ns && calls->lossy_cpu != loss->cpu;

        calls->lossy_cpu = is_one_more ? CT_ANY_CPU : loss->cpu;
        calls->lossy_until_ns = MAX(calls->lossy_until_ns, loss->end_ns);
    } else if (loss->begin_ns >= calls->lossy_until_ns) {
        return;
    }
    for (guint i = 0; i < calls->needs.model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(calls->needs.model->threads->pdata[i]);

        if (!thread->thread.has_exited &&
            ct_binding_may_run_on(calls->needs.binding, thread, calls->lossy_cpu, loss->begin_ns))
            doubt(thread, loss->begin_ns);
    }
}

void ct_calls_end_thread(struct ct_thread_state *thread)
{
    count(thread);
    ct_reasons_drop(thread);
    thread->call.is_made = FALSE;
}

void ct_calls_finish(struct ct_calls *calls)
{
    for (guint i = 0; i < calls->needs.model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(calls->needs.model->threads->pdata[i]);

        drop_doubtful(calls, thread, thread->thread.end_ns);
        ct_reasons_end(calls->needs.reasons, thread, calls->needs.model->end_ns,
                       thread->thread.end_ns, TRUE);
        if (!thread->thread.process->is_unpreloaded) {
            ct_call_dedup_release(calls->needs.dedup, thread, UINT64_MAX);
        } else if (thread->call.is_made && thread->call.has_blocked) {
            struct ct_interval interval = interval_of(calls, thread, thread->thread.end_ns);

            interval.is_open = TRUE;
            add_piece(thread, &interval);
            ct_waits_add(calls->needs.waits, calls->needs.model->end_ns, thread, &interval);
        }
        count(thread);
    }
}
