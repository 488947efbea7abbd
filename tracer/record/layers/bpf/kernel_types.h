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
#define STATES_WAITING  0x03U /* for something */
#define STATE_STOPPED   0x04U
#define STATE_TRACED    0x08U /* stopped, too, but not by a signal alone */
#define EXIT_STATES     0x30U
#define STATE_DEAD      0x80U
#define STATE_PREEMPTED 0x100U

#define PRIO_DEFAULT 120

/* inode.i_mode */
#define MODE_TYPE   0170000
#define MODE_SOCKET 0140000

/* inode.i_rdev: so many bits are the minor number. */
#define DEVICE_MINOR_BITS 20

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

struct cfs_bandwidth {
    uint64_t period;
    uint64_t quota;
} KERNEL_TYPE;

struct task_group;

struct cfs_rq {
    int throttled;      /* it itself */
    int throttle_count; /* with those that it is in */
    struct task_group *tg;
} KERNEL_TYPE;

struct sched_entity {
    uint64_t sum_exec_runtime;
    struct cfs_rq *cfs_rq;
} KERNEL_TYPE;

struct qstr {
    const unsigned char *name;
} KERNEL_TYPE;

struct dentry {
    struct qstr d_name;
} KERNEL_TYPE;

struct path {
    struct dentry *dentry;
} KERNEL_TYPE;

struct inode {
    unsigned short i_mode;
    unsigned int i_rdev;
} KERNEL_TYPE;

struct file {
    struct path f_path;
    struct inode *f_inode;
    const void *f_op;
    void *private_data;
} KERNEL_TYPE;

struct fdtable {
    unsigned int max_fds;
    struct file **fd;
} KERNEL_TYPE;

struct files_struct {
    struct fdtable *fdt;
} KERNEL_TYPE;

struct sock_common {
    unsigned short skc_family;
} KERNEL_TYPE;

struct sock {
    struct sock_common __sk_common;
} KERNEL_TYPE;

struct socket {
    struct sock *sk;
} KERNEL_TYPE;

struct mm_struct {
    unsigned long start_stack;
} KERNEL_TYPE;

struct thread_struct {
    unsigned long fsbase;
} KERNEL_TYPE;

struct vm_area_struct {
    struct mm_struct *vm_mm;
    unsigned long vm_start;
    unsigned long vm_end;
    unsigned long vm_pgoff;
    struct file *vm_file;
} KERNEL_TYPE;

struct kernfs_node {
    const char *name;
    uint64_t id;
} KERNEL_TYPE;

struct cgroup_root {
    int hierarchy_id;
} KERNEL_TYPE;

struct cgroup;

struct cgroup_subsys_state {
    struct cgroup *cgroup;
    struct cgroup_subsys_state *parent;
} KERNEL_TYPE;

struct task_group {
    struct cgroup_subsys_state css;
    struct sched_entity **se; /* its own, by CPU; NULL: it is the first one */
    struct cfs_bandwidth cfs_bandwidth;
} KERNEL_TYPE;

struct cgroup {
    struct cgroup_subsys_state self; /* first: a cgroup's parent is its state's */
    struct kernfs_node *kn;
    struct cgroup_root *root;
} KERNEL_TYPE;

struct list_head {
    struct list_head *next;
} KERNEL_TYPE;

struct cgrp_cset_link {
    struct cgroup *cgrp;
    struct list_head cgrp_link;
} KERNEL_TYPE;

struct css_set {
    struct list_head cgrp_links;
} KERNEL_TYPE;

/* Of a page fault that is being handled: it lies on the kernel's stack. */
struct vm_fault {
    struct vm_area_struct *vma;
    unsigned long pgoff;
    unsigned long address;
    unsigned long real_address;
} KERNEL_TYPE;

struct task_struct {
    struct mm_struct *mm;
    struct thread_struct thread;
    struct css_set *cgroups;
    struct files_struct *files;
    struct sched_entity se;
    void *stack;
    unsigned int flags;
    int prio;
    int exit_state;
    unsigned int in_iowait : 1;
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
