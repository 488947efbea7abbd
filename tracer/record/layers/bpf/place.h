/* Where a task is in its own code as it leaves its CPU: its system call or why else it leaves,
 * registers and stack, and what its descriptor is. */
#ifndef CTRACE_RECORD_LAYERS_BPF_PLACE_H
#define CTRACE_RECORD_LAYERS_BPF_PLACE_H

#include "followed.h"
#include "kernel_stack.h"
#include "quota.h"

#include <bpf/bpf_core_read.h>

static bool is_in_call(struct task_struct *task, const struct pt_regs *registers)
{
    return !(task->flags & (PF_KTHREAD | PF_EXITING)) && (int64_t)registers->orig_ax >= 0;
}

static bool is_32_bit(const struct pt_regs *registers)
{
    return (registers->cs & 0xffff) == USER32_CS;
}

static void note_call(struct ct_off_cpu *off, const struct pt_regs *registers)
{
    off->flags |= CT_OFF_CPU_HAS_CALL;
    off->number = registers->orig_ax;
    off->instruction = registers->ip;
    off->stack_pointer = registers->sp;
    if (is_32_bit(registers)) {
        off->arguments[0] = (uint32_t)registers->bx;
        off->arguments[1] = (uint32_t)registers->cx;
        off->arguments[2] = (uint32_t)registers->dx;
        off->arguments[3] = (uint32_t)registers->si;
        off->arguments[4] = (uint32_t)registers->di;
        off->arguments[5] = (uint32_t)registers->bp;
        return;
    }
    off->arguments[0] = registers->di;
    off->arguments[1] = registers->si;
    off->arguments[2] = registers->dx;
    off->arguments[3] = registers->r10;
    off->arguments[4] = registers->r8;
    off->arguments[5] = registers->r9;
}

static void note_registers(struct ct_off_cpu *off, const struct pt_regs *registers)
{
    uint64_t *to = off->registers;

    to[0] = registers->ax;
    to[1] = registers->bx;
    to[2] = registers->cx;
    to[3] = registers->dx;
    to[4] = registers->si;
    to[5] = registers->di;
    to[6] = registers->bp;
    to[7] = registers->sp;
    to[8] = registers->ip;
    to[9] = registers->r8;
    to[10] = registers->r9;
    to[11] = registers->r10;
    to[12] = registers->r11;
    to[13] = registers->r12;
    to[14] = registers->r13;
    to[15] = registers->r14;
    to[16] = registers->r15;
}

/*
 * How much there is of the current task's stack, more or less: the C library puts what is the
 * thread's own above it, and the kernel puts the arguments above that of the first thread.
 */
static uint64_t depth_of_stack(const struct ct_off_cpu *off, struct task_struct *task)
{
    uint64_t of_thread = task->thread.fsbase - off->stack_pointer;
    uint64_t of_process = task->mm->start_stack - off->stack_pointer;

    if (of_thread < CT_BPF_STACK_REACH)
        return of_thread;
    return of_process < CT_BPF_STACK_REACH ? of_process : CT_OFF_CPU_USUAL_STACK_SIZE;
}

/* Of the current task. Where that does not go so far, up to the end of the stack pointer's page. */
static void copy_stack(struct ct_off_cpu *off, struct task_struct *task)
{
    uint64_t rest = PAGE_BYTES - off->stack_pointer % PAGE_BYTES;
    uint64_t size = (depth_of_stack(off, task) + 7) & ~7ULL;
    const void *from = (const void *)off->stack_pointer;

    if (size > sizeof(off->stack))
        size = sizeof(off->stack);
    if (size < CT_OFF_CPU_KNOWN_STACK_SIZE + 8) /* which would be taken for one that is known */
        size = CT_OFF_CPU_KNOWN_STACK_SIZE + 8;
    off->stack_size = 0;
    if (bpf_probe_read_user(off->stack, size, from) == 0) {
        off->stack_size = size;
        return;
    }
    rest &= ~7ULL;
    if (rest <= sizeof(off->stack) && bpf_probe_read_user(off->stack, rest, from) == 0)
        off->stack_size = rest;
}

/* The same, of one whose stack was told before. FALSE if it is not there. */
static bool copy_known_stack(struct ct_off_cpu *off)
{
    off->frame_count = 0;
    off->stack_size = CT_OFF_CPU_KNOWN_STACK_SIZE;
    return bpf_probe_read_user(off->stack, CT_OFF_CPU_KNOWN_STACK_SIZE,
                               (const void *)off->stack_pointer) == 0;
}

/*
 * By frame pointers, as far as they are kept. Only if they lead beyond what was copied: within it,
 * unwind tables find the same. Not static, so that the kernel checks it once.
 */
__noinline int follow_frames(struct ct_off_cpu *off, uint64_t frame)
{
    if (!off)
        return 0;
    uint64_t stack_pointer = off->stack_pointer;
    bool is_beyond = false;
    uint32_t count = 1;

    off->frames[0] = off->instruction;
    for (; count < CT_OFF_CPU_FRAMES; count++) {
        uint64_t offset = frame - stack_pointer;
        uint64_t words[2] = {0, 0}; /* the caller's frame, and where it goes on */

        if (offset > CT_BPF_STACK_REACH || frame % 8 != 0)
            break;
        if (offset <= sizeof(off->stack) - sizeof(words) &&
            offset + sizeof(words) <= off->stack_size) {
            const uint64_t *at = (const void *)(off->stack + offset);

            words[0] = at[0];
            words[1] = at[1];
        } else {
            is_beyond = true;
            if (bpf_probe_read_user(words, sizeof(words), (const void *)frame) != 0)
                break;
        }
        if (words[1] == 0)
            break;
        off->frames[count] = words[1];
        if (words[0] <= frame) {
            count++;
            break;
        }
        frame = words[0];
    }
    off->frame_count = is_beyond ? count : 0;
    return 0;
}

/* What is told in one part of the recording is not known in another one. */
static uint64_t of_this_part(uint64_t value)
{
    return value + state.part * 0x9e3779b97f4a7c15ULL;
}

/* Twice the same: by the same way, as far as one can tell without looking at the stack. */
static uint64_t place_of(const struct ct_off_cpu *off)
{
    return of_this_part(((off->instruction * 31 + off->stack_pointer) * 31 + off->number) * 31 +
                        off->arguments[0]);
}

static uint64_t *known_place(struct followed *followed)
{
    return &followed->places[(followed->place >> 3) & (CT_BPF_PLACES_KNOWN - 1)];
}

/* Now and then, all is told again. */
static bool is_known_place(struct followed *followed)
{
    return *known_place(followed) == followed->place && followed->draw % CT_BPF_PLACE_REFRESH != 0;
}

/* Where frame pointers lead, there are no other callers to be known. */
static void note_place_told(struct followed *followed)
{
    if (followed->off.stack_size > CT_OFF_CPU_KNOWN_STACK_SIZE && followed->off.frame_count == 0)
        *known_place(followed) = followed->place;
}

/* What tells one descriptor's file from the next one at the same address. */
static uint64_t mark_of(struct file *file)
{
    return of_this_part((uint64_t)file ^ (uint64_t)BPF_CORE_READ(file, f_inode) << 1 ^
                        (uint64_t)BPF_CORE_READ(file, f_op) << 2);
}

/* Of the current task; NULL: the number is none of a descriptor. */
static struct file *file_of(struct task_struct *task, uint64_t number)
{
    struct files_struct *files = task->files;
    struct file *file = NULL;

    if (!files || number >= files->fdt->max_fds ||
        bpf_probe_read_kernel(&file, sizeof(file), files->fdt->fd + number) != 0)
        return NULL;
    return file;
}

/* Of the current task. */
static void tell_fd(struct followed *followed, struct task_struct *task, uint64_t now_ns)
{
    uint64_t number = followed->off.arguments[0];
    struct file *file = file_of(task, number);

    if (!file)
        return;
    uint64_t mark = mark_of(file);
    uint64_t *known = &followed->files[number & (CT_BPF_FILES_KNOWN - 1)];

    if (*known == mark)
        return;
    struct ct_off_cpu_fd fd = {
        .header = {.type = CT_OFF_CPU_FD, .size = sizeof(fd)},
        .time_ns = now_ns,
        .pid = followed->off.pid,
        .fd = number,
        .mode = BPF_CORE_READ(file, f_inode, i_mode),
        .device_major = BPF_CORE_READ(file, f_inode, i_rdev) >> DEVICE_MINOR_BITS,
        .cpu = bpf_get_smp_processor_id(),
    };

    if ((fd.mode & MODE_TYPE) == MODE_SOCKET) {
        struct socket *socket = BPF_CORE_READ(file, private_data);

        fd.family = BPF_CORE_READ(socket, sk, __sk_common.skc_family);
    } else if ((fd.mode & MODE_TYPE) == 0) {
        bpf_probe_read_kernel_str(fd.name, sizeof(fd.name),
                                  BPF_CORE_READ(file, f_path.dentry, d_name.name));
    }
    if (bpf_ringbuf_output(&ring, &fd, sizeof(fd), BPF_RB_NO_WAKEUP) == 0)
        *known = mark;
}

/* From where it left its own code. */
static void note_stack(struct followed *followed, struct task_struct *task,
                       const struct pt_regs *registers)
{
    struct ct_off_cpu *off = &followed->off;

    if (is_32_bit(registers))
        return;
    off->flags |= CT_OFF_CPU_HAS_STACK;
    note_registers(off, registers);
    followed->place = place_of(off);
    if (is_known_place(followed) && copy_known_stack(off))
        return;
    copy_stack(off, task);
    follow_frames(off, registers->bp);
}

/* A task that leaves its CPU: the current one. */
struct leaver {
    void *ctx; /* of the program */
    struct task_struct *task;
    uint32_t state;
    uint64_t now_ns;
};

/* Its cgroup has used up its quota of CPU time: it gets none before there is a new one. */
static bool is_throttled(const struct leaver *leaver)
{
    struct cfs_rq *queue = leaver->task->se.cfs_rq;

    return !(leaver->state & ~STATE_PREEMPTED) && bpf_core_field_exists(queue->throttle_count) &&
           queue && queue->throttle_count > 0;
}

static uint32_t fault_reason(struct task_struct *task, uint32_t functions)
{
    if (functions & (1U << CT_BPF_IN_RECLAIM | 1U << CT_BPF_IN_CGROUP_RECLAIM))
        return CT_OFF_CPU_RECLAIM;
    if (!(functions & 1U << CT_BPF_IN_FAULT))
        return 0;
    if (functions & 1U << CT_BPF_IN_SWAP)
        return CT_OFF_CPU_SWAP_IN;
    return BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait) ? CT_OFF_CPU_MAJOR_FAULT
                                                          : CT_OFF_CPU_PAGE_FAULT;
}

/* Why it leaves, if that is for none of the calls; 0: there is nothing to be said. */
static uint32_t reason_of(const struct leaver *leaver, const struct pt_regs *registers)
{
    struct task_struct *task = leaver->task;

    if (task->flags & PF_KTHREAD)
        return 0;
    if (is_throttled(leaver))
        return CT_OFF_CPU_THROTTLED;
    if (leaver->state & STATE_TRACED)
        return CT_OFF_CPU_TRACED;
    if (leaver->state & STATE_STOPPED)
        return CT_OFF_CPU_STOPPED;
    if (!(leaver->state & STATES_WAITING))
        return 0;
    if (task->flags & PF_EXITING)
        return CT_OFF_CPU_EXITING;
    return is_in_call(task, registers) ? 0
                                       : fault_reason(task, find_functions_of_stack(leaver->ctx));
}

static bool is_fault(uint32_t reason)
{
    return reason == CT_OFF_CPU_MAJOR_FAULT || reason == CT_OFF_CPU_PAGE_FAULT ||
           reason == CT_OFF_CPU_SWAP_IN;
}

static void note_reason(struct ct_off_cpu *off, const struct leaver *leaver,
                        const struct pt_regs *registers, uint32_t reason)
{
    struct ct_off_cpu_fault fault = {0};

    if (is_fault(reason))
        find_fault(leaver->ctx, leaver->task, &fault);
    off->flags |= CT_OFF_CPU_HAS_REASON;
    if ((int64_t)registers->orig_ax < 0)
        off->flags |= CT_OFF_CPU_AT_INSTRUCTION;
    off->number = -(int64_t)reason;
    off->instruction = registers->ip;
    off->stack_pointer = registers->sp;
    off->fault = fault;
    if (reason == CT_OFF_CPU_THROTTLED && bpf_core_field_exists(struct cfs_rq, throttled))
        find_quota(leaver->task->se.cfs_rq, &off->quota);
}

/* Why it leaves its CPU, if that is known, and where it was. */
static void note_place(struct followed *followed, const struct leaver *leaver)
{
    const struct pt_regs *registers = (const struct pt_regs *)bpf_task_pt_regs(leaver->task);

    if (!registers)
        return;
    uint32_t reason = reason_of(leaver, registers);

    if (reason) {
        note_reason(&followed->off, leaver, registers, reason);
    } else if (state.wants_calls && (leaver->state & STATES_WAITING) &&
               is_in_call(leaver->task, registers)) {
        note_call(&followed->off, registers);
        tell_fd(followed, leaver->task, leaver->now_ns);
    } else {
        return;
    }
    note_stack(followed, leaver->task, registers);
}

#endif
