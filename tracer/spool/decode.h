/* The records of a spool file as structs: perf's, and our own. */
#ifndef CTRACE_SPOOL_DECODE_H
#define CTRACE_SPOOL_DECODE_H

#include "off_cpu.h"
#include "schema/operations.h"
#include "spool_format.h"

#include <glib.h>
#include <linux/perf_event.h>

enum ct_raw_kind {
    CT_RAW_SWITCH,
    CT_RAW_WAKING,
    CT_RAW_FORK,
    CT_RAW_EXIT,
    CT_RAW_NAME,
    CT_RAW_TASK_SWITCH, /* of one task: it got the CPU, or lost it */
    CT_RAW_ARRIVAL,     /* a task came on the CPU: follows a CT_RAW_SWITCH, if that was told */
    CT_RAW_MAPPING,     /* a process mapped a file's code */
    CT_RAW_SAMPLE,      /* where a task is that runs */
    CT_RAW_SYSCALL_ENTRY,
    CT_RAW_SYSCALL_EXIT,
    CT_RAW_REASON,  /* why the task leaves its CPU, in none of the calls */
    CT_RAW_CALLERS, /* where the task was, as it left its CPU */
    CT_RAW_WAKER,   /* where the task is that wakes another one */
    CT_RAW_LASTING, /* the task is off the CPU until then, whatever is lost */
    CT_RAW_LOST,
    CT_RAW_BEGIN,   /* from now on, all is told */
    CT_RAW_PROCESS, /* a process as /proc describes it */
    CT_RAW_FD,      /* one of its descriptors */
    CT_RAW_TASK     /* what one of its threads does */
};

/* As hexadecimal digits. */
#define CT_RAW_BUILD_ID_SIZE 40

struct ct_raw_task {
    int32_t tid; /* as the tracepoint says it */
    int32_t prio;
    char name[CT_TASK_NAME_SIZE + 1];
};

/* What perf copied of a task's own state. */
struct ct_raw_user {
    const uint64_t *registers; /* in the spool's data; NULL: it has none */
    const uint8_t *stack;      /* the same; from the stack pointer on */
    size_t stack_size;
};

/* One of perf's records. */
struct ct_raw_record {
    enum ct_raw_kind kind;
    uint64_t time_ns;
    uint32_t cpu;
    int32_t pid; /* of the task on the CPU, in our namespace; 0: none there, -1: gone already */
    int32_t tid;
    int32_t raw_tid; /* the same as the tracepoint says it, where there is one */
    gboolean in_interrupt;
    union {
        struct {
            struct ct_raw_task previous;
            struct ct_raw_task next;
            int64_t previous_state;
        } of_switch;
        struct {
            struct ct_raw_task task;
            int32_t cpu;
        } waking;
        struct {
            int32_t pid;
            int32_t parent_pid;
            int32_t tid;
            int32_t parent_tid;
            uint64_t time_ns; /* when it began or ended; before the record's, if it was present */
        } task;               /* fork and exit */
        struct {
            int32_t pid;
            int32_t tid;
            gboolean is_exec;
            char name[CT_TASK_NAME_SIZE + 1];
        } name;
        struct {
            gboolean is_out;
            gboolean is_preempted;
        } task_switch;
        struct {
            int32_t previous_tid; /* 0: the CPU was idle */
        } arrival;
        struct {
            int64_t number;
            uint64_t arguments[CT_SYSCALL_ARGUMENTS]; /* entry */
            int64_t result;                           /* exit */
        } syscall;
        struct {
            enum ct_op op; /* of class OTHER; or NONE: it is not known */
            uint64_t address;
            uint64_t file_offset;
            char file[CT_OFF_CPU_FILE_SIZE];
        } reason;
        struct {
            int64_t state;             /* see previous_state */
            gboolean is_at_first;      /* the first address is of an instruction itself */
            const uint64_t *addresses; /* borrowed from the file; leaf first */
            uint64_t count;
            struct ct_raw_user user;
            gboolean is_of_reason; /* which was told before, and counts whatever the state is */
            int32_t woken_tid;     /* CT_RAW_WAKER */
        } callers;
        struct {
            int32_t pid;
            uint64_t begin;
            uint64_t size;
            uint64_t file_offset;
            char build_id[CT_RAW_BUILD_ID_SIZE + 1]; /* "" where the kernel does not tell it */
            uint32_t major;                          /* then: of its device */
            uint32_t minor;
            uint64_t inode;
            const char *path; /* in the spool's data */
        } mapping;
        struct {
            uint64_t period_ns; /* that the task ran since its last sample */
            gboolean in_kernel;
            struct ct_raw_user user;
        } sample;
        struct {
            uint64_t until_ns;
            gboolean is_blocked; /* else it is in line for a CPU */
        } lasting;
        uint64_t lost;
        struct {
            struct ct_spool_process of;
            const char *exe; /* as all strings of the record, borrowed from the file */
            const char *args;
            const char *cwd;
        } process;
        struct {
            struct ct_spool_descriptor of;
            const char *local; /* as in the event `fd` */
            const char *peer;
            gboolean is_kind_only; /* what else is known of one of that kind stays true */
        } fd;
        struct {
            struct ct_spool_task of;
            const uint8_t *stack; /* borrowed; `stack_size` bytes */
        } present;
    } as;
};

/*
 * `body` follows the header, which says how long both are together: no less than the header is. The
 * record borrows from the body. FALSE if it tells nothing that matters.
 */
gboolean ct_raw_record_decode(struct ct_raw_record *record, const struct ct_spool_head *head,
                              const struct perf_event_header *header, const char *body);

#endif
