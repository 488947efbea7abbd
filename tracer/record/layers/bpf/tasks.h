/* Who tasks are: their ids and names as the recorder knows them, and what is kept of those that are
 * followed. */
#ifndef CTRACE_RECORD_LAYERS_BPF_TASKS_H
#define CTRACE_RECORD_LAYERS_BPF_TASKS_H

#include "followed.h"

#include <bpf/bpf_core_read.h>

/* Below the first namespace. Not static: the kernel checks it once then, and not at each place. It
 * is given the address of a struct pid. */
__noinline int nested_id(uint64_t address)
{
    struct pid *pid = (struct pid *)address;
    uint32_t levels = pid ? BPF_CORE_READ(pid, level) : 0;
    struct upid id;

    for (uint32_t level = 1; level < CT_BPF_NAMESPACES_MAX; level++) {
        if (level > levels ||
            bpf_core_read(&id, sizeof(id), (void *)pid->numbers + level * sizeof(id)) != 0)
            break;
        if (BPF_CORE_READ(id.ns, ns.inum) == state.own_namespace)
            return id.nr;
    }
    return 0;
}

/* What a function that is checked by itself is given is a number. */
static uint64_t address_of(const void *pointer)
{
    const void *volatile place = pointer;
    uint64_t address = 0;

    bpf_probe_read_kernel(&address, sizeof(address), (const void *)&place);
    return address;
}

/* In the recorder's pid namespace; 0: it has none there. */
static int32_t own_id(struct task_struct *task)
{
    struct pid *pid = task->thread_pid;

    if (!pid)
        return 0;
    int32_t id = pid->numbers[0].nr;

    return pid->numbers[0].ns->ns.inum == state.own_namespace ? id : nested_id(address_of(pid));
}

/* Whole words, as a call of a helper takes longer than all the rest. */
static void copy_name(char *to, struct task_struct *task)
{
    const uint64_t *from = (const void *)task->comm;

    _Static_assert(sizeof(task->comm) == CT_OFF_CPU_NAME_SIZE, "two words");
    ((uint64_t *)to)[0] = from[0];
    ((uint64_t *)to)[1] = from[1];
}

/* `followed` NULL: it is none of the recorded ones. One of those that is over has no id any more,
 * but had one. */
static void describe(struct ct_off_cpu_task *to, struct task_struct *task,
                     const struct followed *followed)
{
    to->tid = followed ? followed->off.task.tid : own_id(task);
    to->prio = task->prio;
    copy_name(to->name, task);
}

static struct followed *find(struct task_struct *task)
{
    return bpf_task_storage_get(&tasks, task, NULL, 0);
}

/* What changes seldom. */
static void note_task(struct followed *followed, struct task_struct *task)
{
    bpf_core_read(followed->off.task.name, sizeof(followed->off.task.name), &task->comm);
    followed->off.task.tid = own_id(task);
    followed->off.pid = own_id(task->group_leader);
}

static struct followed *follow(struct task_struct *task)
{
    struct followed *followed =
        bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

    if (followed) {
        note_task(followed, task);
        followed->draw = bpf_get_prandom_u32() | 1; /* 0 would stay so */
    } else {
        __sync_fetch_and_add(&state.unfollowed, 1);
    }
    return followed;
}

#endif
