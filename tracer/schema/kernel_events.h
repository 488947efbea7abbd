/*
 * The events of the kernel layer, field by field, with the names that lttng-modules gives them.
 * They stand in a CTF trace of their own, with one stream for each CPU whose packets say which.
 *
 * Only the recorded program's tasks are there, and of others who ran when one of those stopped
 * running, and who woke one; and the last switch of others on a CPU before one of the program's
 * that the kernel did not tell of. Ids are those of the recorder's pid namespace: 0 is the idle
 * task, or one that has no id there.
 *
 * Of system calls there are events syscall_entry_NAME and syscall_exit_NAME for each name. The
 * first ones have the arguments of schema/syscalls.h, each as a number; those of other calls have
 * none. The last ones have the result.
 */
#ifndef CTRACE_SCHEMA_KERNEL_EVENTS_H
#define CTRACE_SCHEMA_KERNEL_EVENTS_H

#include "events.h"
#include "syscalls.h"

/* Of every event: the task that was on the CPU, and whether an interrupt had it. */
#define CT_KERNEL_CONTEXT(F) \
    F(I32, tid)              \
    F(U8, in_interrupt)

/* `prev_state` is what the kernel calls the task's state: 0 was preempted, 1 sleeps, 2 sleeps and
 * takes no signal; all further bits are more detail. */
#define CT_KERNEL_SCHED_SWITCH(F) \
    F(STRING, prev_comm)          \
    F(I32, prev_tid)              \
    F(I32, prev_prio)             \
    F(I64, prev_state)            \
    F(STRING, next_comm)          \
    F(I32, next_tid)              \
    F(I32, next_prio)

#define CT_KERNEL_SCHED_WAKING(F) \
    F(STRING, comm)               \
    F(I32, tid)                   \
    F(I32, prio)                  \
    F(I32, target_cpu)

#define CT_KERNEL_SCHED_PROCESS_FORK(F) \
    F(I32, parent_tid)                  \
    F(I32, parent_pid)                  \
    F(I32, child_tid)                   \
    F(I32, child_pid)

/* `filename` is the task's new name: all that perf tells. */
#define CT_KERNEL_SCHED_PROCESS_EXEC(F) \
    F(STRING, filename)                 \
    F(I32, tid)

#define CT_KERNEL_SCHED_PROCESS_EXIT(F) F(I32, tid)

/* Without privilege there is only this: the task got the CPU, or lost it. Not of lttng-modules. */
#define CT_KERNEL_CONTEXT_SWITCH(F) \
    F(I32, tid)                     \
    F(U8, is_out)                   \
    F(U8, is_preempted)

/* Of the task that has just blocked, or that was blocked already when the recording began: return
 * addresses, leaf first; all but the first ones are by frame pointers, or by unwind tables. Those
 * left out are as in CT_EVENT_STACK; the outermost are not known if `is_partial`. */
#define CT_KERNEL_CALLSTACK_USER(F) \
    F(I32, tid)                     \
    F(U8, is_by_frame_pointers)     \
    F(U8, is_partial)               \
    F(ADDRESSES, addresses)         \
    F(U32, omitted)                 \
    F(U32, outermost)

/* Where the task that wakes another one, whose id is `tid`, was in its own code: as of one that has
 * just blocked. After the sched_waking of the same time, on the same CPU. Not of lttng-modules. */
#define CT_KERNEL_CALLSTACK_WAKER(F) CT_KERNEL_CALLSTACK_USER(F)

/*
 * Why the task leaves its CPU, in none of the calls, until it is back: `reason` is the name of an
 * operation of class OTHER. Of a page fault, the address; where it is known, the file's own name,
 * and the place in it. Of one whose cgroup is throttled, the quota in ns in the place of the
 * address, the cgroup's own name in that of the file's, and the period in ns in that of the offset;
 * 0 and empty: not known. Not of lttng-modules.
 */
#define CT_KERNEL_OFF_CPU_REASON(F) \
    F(I32, tid)                     \
    F(STRING, reason)               \
    F(HEX64, address)               \
    F(STRING, file)                 \
    F(HEX64, file_offset)

/*
 * Some of the kernel's events are lost, but this is known: the task is off the CPU from now on, or
 * since it left it, until then; waiting, or in line for a CPU. UINT64_MAX: until the recording
 * ends. Before what it is in, where that is told now, and after. Not of lttng-modules.
 */
#define CT_KERNEL_OFF_CPU_UNTIL(F) \
    F(I32, tid)                    \
    F(U64, until_ns)               \
    F(U8, is_blocked)

/*
 * A process image that no preload sees; it began at `start_ns`, by exec or by fork. Again when more
 * is known of it: what is not is empty.
 */
#define CT_KERNEL_PROCESS_IMAGE(F) \
    F(I32, pid)                    \
    F(I32, ppid)                   \
    F(U64, start_ns)               \
    F(STRING, exe)                 \
    F(STRING, args)                \
    F(STRING, cwd)

/* A thread of such an image that was there before the recording began; again when it is known
 * its name and whether it was blocked: after the entry of the system call that it was in. */
#define CT_KERNEL_PROCESS_THREAD(F) \
    F(I32, pid)                     \
    F(I32, tid)                     \
    F(STRING, name)                 \
    F(U8, is_blocked)

/* What such an image has mapped: as CT_EVENT_MODULE. `copy` is the name of a file in
 * CT_OBJECTS_FOLDER; empty if there is none. */
#define CT_KERNEL_PROCESS_MODULE(F) \
    F(I32, pid)                     \
    F(STRING, path)                 \
    F(STRING, copy)                 \
    F(STRING, build_id)             \
    F(HEX64, begin)                 \
    F(HEX64, end)                   \
    F(HEX64, bias)

/* What a descriptor of such an image is: as CT_EVENT_FD. `watched_classes` are of an epoll
 * descriptor: bits 1 << class. */
#define CT_KERNEL_PROCESS_FD(F) \
    F(I32, pid)                 \
    F(I32, fd)                  \
    F(FD_KIND, kind)            \
    F(U8, watched_classes)      \
    F(STRING, local)            \
    F(STRING, peer)

/*
 * The task ran for `period_ns` since its last sample, and was here: return addresses of its own
 * code, leaf first, with one added to that of an instruction itself. They are not all if
 * `is_partial`. The process has been what it is, by exec or fork, since `image_start_ns`. Not of
 * lttng-modules. These events stand in streams of their own.
 */
#define CT_KERNEL_CPU_SAMPLE(F) \
    F(I32, pid)                 \
    F(U64, image_start_ns)      \
    F(U64, period_ns)           \
    F(U8, in_kernel)            \
    F(U8, is_partial)           \
    F(ADDRESSES, addresses)     \
    F(U32, omitted)             \
    F(U32, outermost)

/* EVENT(symbol, name) */
#define CT_KERNEL_EVENTS(EVENT)                   \
    EVENT(SCHED_SWITCH, sched_switch)             \
    EVENT(SCHED_WAKING, sched_waking)             \
    EVENT(SCHED_PROCESS_FORK, sched_process_fork) \
    EVENT(SCHED_PROCESS_EXEC, sched_process_exec) \
    EVENT(SCHED_PROCESS_EXIT, sched_process_exit) \
    EVENT(CONTEXT_SWITCH, context_switch)         \
    EVENT(CPU_SAMPLE, cpu_sample)                 \
    EVENT(CALLSTACK_USER, callstack_user)         \
    EVENT(CALLSTACK_WAKER, callstack_waker)       \
    EVENT(PROCESS_IMAGE, process_image)           \
    EVENT(PROCESS_THREAD, process_thread)         \
    EVENT(PROCESS_MODULE, process_module)         \
    EVENT(PROCESS_FD, process_fd)                 \
    EVENT(OFF_CPU_REASON, off_cpu_reason)         \
    EVENT(OFF_CPU_UNTIL, off_cpu_until)

#define CT_SYSCALL_ENTRY_PREFIX "syscall_entry_"
#define CT_SYSCALL_EXIT_PREFIX  "syscall_exit_"
#define CT_SYSCALL_RESULT_FIELD "ret"

/* Where only the time that a call was off the CPU is told, and not what became of it. */
#define CT_SYSCALL_RESULT_UNKNOWN INT64_MIN

#define CT_KERNEL_SAMPLE_NAME "cpu_sample"

#define CT_KERNEL_CPU_FIELD "cpu_id" /* of a packet's context */

/* The low bits of prev_state that say what the task waits for; none: it would go on at once. */
#define CT_TASK_STATE_MASK 0xff

/* struct ct_kernel_sched_switch ... */
#define CT_STRUCT_FIELD(type, name) CT_TYPE_##type name;
#define CT_STRUCT(symbol, name)             \
    struct ct_kernel_##name {               \
        CT_KERNEL_##symbol(CT_STRUCT_FIELD) \
    };
CT_KERNEL_EVENTS(CT_STRUCT)
#undef CT_STRUCT

enum ct_kernel_event {
#define CT_EVENT_SYMBOL(symbol, name) CT_KERNEL_ID_##symbol,
    CT_KERNEL_EVENTS(CT_EVENT_SYMBOL)
#undef CT_EVENT_SYMBOL
        CT_KERNEL_EVENT_COUNT,
    /* Of many names. */
    CT_KERNEL_ID_SYSCALL_ENTRY = CT_KERNEL_EVENT_COUNT,
    CT_KERNEL_ID_SYSCALL_EXIT
};

struct ct_kernel_syscall {
    enum ct_syscall call;
    const char *name;                         /* borrowed */
    uint64_t arguments[CT_SYSCALL_ARGUMENTS]; /* entry; those that are not recorded are 0 */
    int64_t result;                           /* exit */
};

/* One event. Strings are borrowed. */
struct ct_kernel_record {
    enum ct_kernel_event event;
    uint64_t time_ns;
    uint32_t cpu;
    CT_KERNEL_CONTEXT(CT_STRUCT_FIELD)
    union {
#define CT_RECORD_MEMBER(symbol, name) struct ct_kernel_##name name;
        CT_KERNEL_EVENTS(CT_RECORD_MEMBER)
#undef CT_RECORD_MEMBER
        struct ct_kernel_syscall syscall;
    } as;
};
#undef CT_STRUCT_FIELD

#endif
