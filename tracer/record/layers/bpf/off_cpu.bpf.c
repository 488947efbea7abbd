/* In the kernel: a record for each time that one of the recorded tasks is off the CPU. */
#include "kernel_types.h"

#include "cgroups.h"
#include "followed.h"
#include "place.h"
#include "tasks.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char terms[] SEC("license") = "GPL";

/* ---- Records ---- */

static void lose(const struct ct_off_cpu *off, uint64_t now_ns)
{
    uint32_t cpu = off->left_ns ? off->left_cpu : off->back_cpu;
    uint64_t since_ns = off->left_ns ? off->left_ns : now_ns;
    struct ct_bpf_loss *loss = &state.losses[cpu & (CT_BPF_CPUS_MAX - 1)];

    if (loss->since_ns == 0 || since_ns < loss->since_ns)
        loss->since_ns = since_ns;
    __sync_fetch_and_add(&loss->count, 1);
}

static uint64_t size_of(const struct ct_off_cpu *off)
{
    if (off->flags & CT_OFF_CPU_HAS_STACK)
        return off->frame_count > 0 ? sizeof(*off)
                                    : offsetof(struct ct_off_cpu, stack) + off->stack_size;
    return off->flags & (CT_OFF_CPU_HAS_CALL | CT_OFF_CPU_HAS_REASON)
               ? offsetof(struct ct_off_cpu, registers)
               : offsetof(struct ct_off_cpu, number);
}

/* The recorder looks by itself now and then; it is woken only when much is there. */
static bool tell_as(struct followed *followed, uint32_t type)
{
    struct ct_off_cpu *off = &followed->off;
    uint64_t size = size_of(off);
    bool is_much = (followed->draw >> 16) % CT_BPF_WAKE_INTERVAL == 0 &&
                   bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > CT_BPF_RING_SIZE / 2;
    uint64_t flags = is_much ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;

    if (size > sizeof(*off))
        return false;
    off->header.type = type;
    off->header.size = size;
    return bpf_ringbuf_output(&ring, off, size, flags) == 0;
}

static bool tell(struct followed *followed, uint64_t now_ns)
{
    if (tell_as(followed, CT_OFF_CPU_SPAN))
        return true;
    lose(&followed->off, now_ns);
    return false;
}

/* ---- Off the CPU ---- */

static bool was_dead(uint32_t task_state)
{
    return task_state & (STATE_DEAD | EXIT_STATES);
}

/* As the kernel's own tracepoint says it. */
static uint32_t told_state(bool is_preempted, struct task_struct *task, uint32_t task_state)
{
    return is_preempted ? STATE_PREEMPTED : (task_state | task->exit_state) & STATES_TOLD;
}

/* A number by chance (xorshift), for less than what the kernel's takes. */
static void draw_anew(struct followed *followed)
{
    uint32_t draw = followed->draw;

    draw ^= draw << 13;
    draw ^= draw >> 17;
    followed->draw = draw ^ draw << 5;
}

/* What is not sampled has no stack: as often as it was short. Rates may be hours. */
static bool is_sampled(const struct followed *followed, uint64_t duration_ns)
{
    return duration_ns >= state.rate_ns ||
           duration_ns << 20 > (followed->draw >> 12) * state.rate_ns;
}

/* It is on a CPU since then. */
static void note_return(struct followed *followed, struct task_struct *task, uint64_t back_ns)
{
    struct ct_off_cpu *off = &followed->off;
    uint32_t phase = __sync_lock_test_and_set(&followed->phase, ON_CPU);

    if (phase != OFF_CPU) {
        const struct pt_regs *registers = (const struct pt_regs *)bpf_task_pt_regs(task);
        uint32_t told_flags = off->flags & (CT_OFF_CPU_HAS_CALL | CT_OFF_CPU_WOKEN_BY_INTERRUPT);

        off->left_ns = 0;
        off->flags = told_flags;
        off->task.prio = task->prio;
        if (phase == ON_CPU && task->se.sum_exec_runtime > 0 && state.wants_calls && registers &&
            is_in_call(task, registers))
            note_call(off, registers);
    } else if (off->flags & CT_OFF_CPU_HAS_STACK && !is_sampled(followed, back_ns - off->left_ns)) {
        off->flags &= ~CT_OFF_CPU_HAS_STACK;
    }
    off->back_ns = back_ns;
    off->back_cpu = bpf_get_smp_processor_id();
}

static void tell_return(struct followed *followed, uint64_t now_ns)
{
    struct ct_off_cpu *off = &followed->off;

    if (tell(followed, now_ns) && (off->flags & CT_OFF_CPU_HAS_STACK))
        note_place_told(followed);
    off->woken_ns = 0;
    off->flags = 0;
}

static void come_back(struct followed *followed, struct task_struct *task,
                      struct task_struct *previous, const struct followed *leaver,
                      uint32_t previous_state, uint64_t now_ns)
{
    note_return(followed, task, now_ns);
    describe(&followed->off.previous, previous, leaver);
    followed->off.previous_state = previous_state;
    tell_return(followed, now_ns);
}

/*
 * It leaves a CPU that it was never told to have got: on some virtual machines, idle tasks do not
 * always tell who follows them. When that was, the time says that it has run since.
 */
static void mend_return(struct followed *followed, const struct leaver *leaver)
{
    uint64_t ran_ns = leaver->task->se.sum_exec_runtime - followed->ran_ns;
    struct ct_off_cpu *off = &followed->off;
    const struct ct_off_cpu_task idle = {.prio = PRIO_DEFAULT, .name = "swapper"};

    if (followed->phase == ON_CPU)
        return;
    uint64_t earliest_ns = off->woken_ns > off->left_ns ? off->woken_ns : off->left_ns;
    uint64_t back_ns = leaver->now_ns - ran_ns;

    note_return(followed, leaver->task,
                back_ns > earliest_ns && back_ns < leaver->now_ns ? back_ns : earliest_ns);
    off->previous = idle;
    off->previous_state = 0;
    tell_return(followed, leaver->now_ns);
}

static void leave(struct followed *followed, const struct leaver *leaver, struct task_struct *next,
                  const struct followed *comer)
{
    struct ct_off_cpu *off = &followed->off;

    mend_return(followed, leaver);
    draw_anew(followed);
    followed->ran_ns = leaver->task->se.sum_exec_runtime;
    off->left_ns = leaver->now_ns;
    off->back_ns = 0;
    off->left_cpu = bpf_get_smp_processor_id();
    off->state = leaver->state;
    off->flags &= CT_OFF_CPU_WOKEN_BY_INTERRUPT;
    if (off->woken_ns + CT_BPF_WAKE_RACE_NS < leaver->now_ns)
        off->woken_ns = 0;
    off->task.prio = leaver->task->prio;
    describe(&off->next, next, comer);
    note_place(followed, leaver);
    followed->phase = OFF_CPU;
    if (was_dead(leaver->state))
        tell(followed, leaver->now_ns);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool is_preempted, struct task_struct *previous, struct task_struct *next,
             unsigned int task_state)
{
    if (!state.is_on)
        return 0;
    struct followed *leaver = find(previous);
    struct followed *comer = find(next);

    uint32_t told = told_state(is_preempted, previous, task_state);
    uint64_t now_ns = 0; /* one time for both */

    if (leaver) {
        now_ns = bpf_ktime_get_ns();
        const struct leaver left = {.ctx = ctx, .task = previous, .state = told, .now_ns = now_ns};
        leave(leaver, &left, next, comer);
    }
    if (comer) {
        now_ns = now_ns ? now_ns : bpf_ktime_get_ns();
        come_back(comer, next, previous, leaver, told, now_ns);
    }
    return 0;
}

/*
 * What the program is given lies on the kernel's stack. An interrupt has a stack of its own, but
 * where it came while the task was in its own code: then it has no call in its registers.
 */
static bool is_in_interrupt(struct followed *woken, void *ctx, struct task_struct *task)
{
    const struct pt_regs *registers;

    /* From memory of ours it comes back as a number. */
    *(void *volatile *)&woken->number = ctx;
    if (*(volatile uint64_t *)&woken->number - (uint64_t)task->stack >= KERNEL_STACK_BYTES)
        return true;
    registers = (const struct pt_regs *)bpf_task_pt_regs(task);
    return !(task->flags & PF_KTHREAD) && registers && (int64_t)registers->orig_ax < 0;
}

/*
 * Where the current task is that wakes the other one. While it is on a CPU, nothing is in its
 * record but what was told of its own being woken.
 */
static void tell_waker(struct task_struct *task, const struct ct_off_cpu *woken)
{
    struct followed *followed = find(task);
    const struct pt_regs *registers = (const struct pt_regs *)bpf_task_pt_regs(task);
    struct ct_off_cpu *off;

    if (!followed || followed->phase != ON_CPU || !registers || !is_in_call(task, registers))
        return;
    off = &followed->off;
    uint32_t flags = off->flags;

    off->left_ns = woken->woken_ns;
    off->left_cpu = woken->woken_cpu;
    off->next.tid = woken->task.tid;
    off->flags = 0;
    draw_anew(followed);
    note_call(off, registers);
    note_stack(followed, task, registers);
    if (off->flags & CT_OFF_CPU_HAS_STACK && tell_as(followed, CT_OFF_CPU_WAKER))
        note_place_told(followed);
    off->flags = flags;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
    struct followed *followed = state.is_on ? find(task) : NULL;
    struct ct_off_cpu *off;

    if (!followed)
        return 0;
    off = &followed->off;
    struct task_struct *waker = bpf_get_current_task_btf();

    off->woken_ns = bpf_ktime_get_ns();
    off->woken_cpu = bpf_get_smp_processor_id();
    off->waker_tid = own_id(waker);
    off->waker_pid = own_id(waker->group_leader);
    if (is_in_interrupt(followed, ctx, waker))
        off->flags |= CT_OFF_CPU_WOKEN_BY_INTERRUPT;
    else
        off->flags &= ~CT_OFF_CPU_WOKEN_BY_INTERRUPT;
    if (state.wants_wakers && !(off->flags & CT_OFF_CPU_WOKEN_BY_INTERRUPT))
        tell_waker(waker, off);
    return 0;
}

/* ---- Lives ---- */

/* The recorder is to follow it with all its threads. */
static void tell_joined(struct task_struct *task)
{
    struct ct_bpf_joined joined = {
        .header = {.type = CT_BPF_JOINED, .size = sizeof(joined)},
        .time_ns = bpf_ktime_get_ns(),
        .pid = own_id(task->group_leader),
    };

    if (joined.pid > 0 && bpf_ringbuf_output(&ring, &joined, sizeof(joined), BPF_RB_FORCE_WAKEUP))
        __sync_fetch_and_add(&state.unfollowed, 1);
}

/* Though whoever started it is not followed: the recorder knows better whom not to follow. */
static bool is_in_scope(struct task_struct *task)
{
    return state.scope == CT_BPF_MACHINE ||
           (state.scope == CT_BPF_CGROUP && is_in_recorded_cgroup(task));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
    bool is_thread = parent->tgid == child->tgid;

    if (!is_thread && !state.follows_children)
        return 0;
    int32_t pid = own_id(parent->group_leader);
    if (find(parent) || bpf_map_lookup_elem(&roots, &pid))
        follow(child);
    else if (!is_thread && !(child->flags & PF_KTHREAD) && is_in_scope(child))
        tell_joined(child);
    return 0;
}

/* It comes into another cgroup. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_join, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
    if (state.scope == CT_BPF_CGROUP && is_recorded_cgroup(address_of(cgroup)) && !find(task))
        tell_joined(task);
    return 0;
}

/* A thread that executes a program takes its process's id. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
    struct followed *followed = find(task);

    if (followed)
        note_task(followed, task);
    else if (is_in_scope(task))
        tell_joined(task);
    return 0;
}

/* Also before it executes one. */
SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *name)
{
    struct followed *followed = find(task);

    if (followed)
        bpf_probe_read_kernel_str(followed->off.task.name, sizeof(followed->off.task.name), name);
    return 0;
}

/* ---- Looks from outside ---- */

/* The threads of the roots are followed. */
SEC("iter/task")
int adopt(struct bpf_iter__task *context)
{
    struct task_struct *task = context->task;
    int32_t pid;

    if (!task || task->flags & PF_KTHREAD)
        return 0;
    pid = own_id(task->group_leader);
    if (pid <= 0 || !bpf_map_lookup_elem(&roots, &pid) || find(task))
        return 0;
    struct followed *followed = follow(task);

    if (followed) {
        followed->ran_ns = task->se.sum_exec_runtime;
        __sync_fetch_and_add(&state.adopted, 1);
    }
    return 0;
}

/* It was told of already, or has not run since it is followed: what was present is told otherwise.
 */
static bool is_to_be_told_again(const struct followed *followed, const struct task_struct *task)
{
    if (!state.tells_again)
        return false;
    return followed->phase == TOLD ||
           (followed->phase == ON_CPU && followed->off.left_ns == 0 && followed->off.back_ns == 0 &&
            followed->ran_ns > 0 && followed->ran_ns == task->se.sum_exec_runtime);
}

/*
 * Those who left their CPU before state.told_ns and are still off it are told of: when they come
 * back, the record is only of that. A task may do so meanwhile. Where that they are back may have
 * been lost, those who were told of already are so again.
 */
SEC("iter/task")
int tell_absent(struct bpf_iter__task *context)
{
    struct task_struct *task = context->task;
    struct followed *followed = task ? find(task) : NULL;
    struct ct_off_cpu *copy;

    if (!followed || followed->off.left_ns > state.told_ns)
        return 0;
    uint32_t phase = followed->phase;

    if (phase != OFF_CPU && !is_to_be_told_again(followed, task))
        return 0;
    copy = bpf_ringbuf_reserve(&ring, sizeof(*copy), 0);
    if (!copy) {
        state.untold++;
        return 0;
    }
    uint64_t left_ns = followed->off.left_ns;
    uint32_t told = phase == OFF_CPU ? TOLD : TOLD_AGAIN;
    bool is_told = bpf_probe_read_kernel(copy, sizeof(*copy), &followed->off) == 0 &&
                   __sync_val_compare_and_swap(&followed->phase, phase, told) == phase;

    if (is_told && (copy->left_ns != left_ns || followed->off.left_ns != left_ns)) {
        __sync_val_compare_and_swap(&followed->phase, told, phase);
        is_told = false;
    }
    if (!is_told) {
        bpf_ringbuf_discard(copy, 0);
        return 0;
    }
    copy->header.type = phase == OFF_CPU ? CT_OFF_CPU_SPAN : CT_OFF_CPU_STILL;
    copy->header.size = sizeof(*copy);
    copy->back_ns = 0;
    copy->woken_ns = 0; /* that is told when it is back */
    bpf_ringbuf_submit(copy, 0);
    return 0;
}

/* ---- The kernel's functions ---- */

static const char function_names[CT_BPF_FUNCTIONS][32] = {
    [CT_BPF_IN_FAULT] = "asm_exc_page_fault",
    [CT_BPF_IN_SWAP] = "do_swap_page",
    [CT_BPF_IN_RECLAIM] = "try_to_free_pages",
    [CT_BPF_IN_CGROUP_RECLAIM] = "try_to_free_mem_cgroup_pages",
};

/* Once, before anything is told. */
SEC("syscall")
int find_functions(void *ctx)
{
    for (uint32_t i = 0; i < CT_BPF_FUNCTIONS; i++) {
        struct ct_bpf_range *range = &state.functions[i];
        unsigned long long begin = 0;

        if (bpf_kallsyms_lookup_name(function_names[i], sizeof(function_names[i]), 0, &begin) != 0)
            continue;
        range->begin = begin;
        BPF_SNPRINTF(range->text, sizeof(range->text), "%pS", begin);
    }
    return 0;
}
