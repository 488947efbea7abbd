/*
 * Of the kernel's types, the members that the BPF programs read: where those are on the kernel that
 * runs is found when the programs are loaded (CO-RE). x86-64.
 */
#ifndef CTRACE_RECORD_LAYERS_BPF_KERNEL_TYPES_H
#define CTRACE_RECORD_LAYERS_BPF_KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>

#define PAGE_BYTES 4096U

/* task_struct.flags */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000

/* States of tasks, as sched_switch tells them. */
#define STATES_TOLD     0x7fU
#define EXIT_STATES     0x30U
#define STATE_DEAD      0x80U
#define STATE_PREEMPTED 0x100U

/* Of a task in the kernel. */
#define KERNEL_STACK_BYTES (16U << 10)

/* pt_regs.cs of a 32-bit program. */
#define USER32_CS 0x23

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct ns_common {
    unsigned int inum;
} KERNEL_TYPE;

struct pid_namespace {
    struct ns_common ns;
} KERNEL_TYPE;

struct upid {
    int nr;
    struct pid_namespace *ns;
} KERNEL_TYPE;

struct pid {
    unsigned int level;
    struct upid numbers[1];
} KERNEL_TYPE;

struct task_struct {
    void *stack;
    unsigned int flags;
    int prio;
    int exit_state;
    int tgid;
    char comm[16];
    struct pid *thread_pid;
    struct task_struct *group_leader;
} KERNEL_TYPE;

struct pt_regs {
    unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
        sp;
} KERNEL_TYPE;

struct bpf_iter__task {
    struct task_struct *task;
} KERNEL_TYPE;

#endif
