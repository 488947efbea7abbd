/*
 * What a CPU's ring held, as perf wrote it, in a file: until the trace is cut, since a recording
 * must cost little while it is made. This is the file's head; perf's records follow.
 */
#ifndef CTRACE_RECORD_KERNEL_SPOOL_H
#define CTRACE_RECORD_KERNEL_SPOOL_H

#include "rings.h"
#include "schema/syscalls.h"

#define CT_SPOOL_MAGIC   UINT64_C(0x314c4f4f50534b43)
#define CT_SPOOL_VERSION 2

/* The folder of spool files below a recording's. */
#define CT_SPOOL_FOLDER "spool"

struct ct_spool_head {
    uint64_t magic;
    uint32_t version;
    uint32_t cpu;
    uint32_t kind;            /* enum ct_rings_kind */
    uint32_t has_foreign_ids; /* tracepoints tell ids of another pid namespace than ours */
    struct ct_formats formats;
};

/* In the place of the CPU, of a file that is no ring's: what present.h writes. */
#define CT_SPOOL_NO_CPU UINT32_MAX

/* A file for the ring below `folder`, with its head. -1 and errno if there can be none. */
int ct_spool_create(const char *folder, const struct ct_rings *rings, const struct ct_ring *ring);

/* The same, for what is there already. */
int ct_spool_create_present(const char *folder, const struct ct_rings *rings);

/* Who was on the CPU, and when: at the end of every record but the samples. */
struct ct_spool_id {
    int32_t pid;
    int32_t tid;
    uint64_t time_ns;
};

/* Records of our own begin where perf's own program has its. Their bodies are these, then strings,
 * each with its end, zeros up to a multiple of 8 bytes, and a struct ct_spool_id. */
enum ct_spool_type {
    CT_SPOOL_PROCESS = 64, /* exe, args, cwd */
    CT_SPOOL_DESCRIPTOR,   /* local, peer */
    CT_SPOOL_TASK
};

struct ct_spool_process {
    int32_t pid;
    int32_t ppid;
    uint64_t start_ns; /* of the process; it may have executed other programs since */
};

struct ct_spool_descriptor {
    int32_t pid;
    int32_t fd;
    uint32_t kind;    /* enum ct_fd_kind */
    uint32_t watched; /* of an epoll descriptor: the kinds of those it watches, as bits 1 << kind */
};

#define CT_TASK_NAME_SIZE 16

/* What a thread does that is there when the recording begins. */
struct ct_spool_task {
    int32_t pid;
    int32_t tid;
    char name[CT_TASK_NAME_SIZE]; /* with its end */
    uint32_t is_blocked;
    uint32_t has_call; /* then: the system call that it is in */
    int64_t number;
    uint64_t arguments[CT_SYSCALL_ARGUMENTS];
};

/* Removes the folder below `path` with all files. */
void ct_spool_remove(const char *path);

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
    CT_RAW_CALLERS, /* where the task was, as it left its CPU */
    CT_RAW_LOST,
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
            int64_t state;             /* see previous_state */
            const uint64_t *addresses; /* borrowed from the file; leaf first */
            uint64_t count;
        } callers;
        struct {
            int32_t pid;
            uint64_t begin;
            uint64_t size;
            uint64_t file_offset;
            char build_id[CT_RAW_BUILD_ID_SIZE + 1]; /* "" where the kernel does not tell it */
            const char *path;                        /* in the spool's data */
        } mapping;
        struct {
            uint64_t period_ns; /* that the task ran since its last sample */
            gboolean in_kernel;
            const uint64_t *registers; /* in the spool's data; NULL: it has none */
            const uint8_t *stack;      /* the same; from the stack pointer on */
            size_t stack_size;
        } sample;
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
        } fd;
        struct ct_spool_task present_task;
    } as;
};

/* Reading one file: a record after the other. */
struct ct_spool {
    struct ct_spool_head head;
    const char *data; /* owned mapping */
    size_t size;
    size_t next;               /* offset of the record after the current one */
    gboolean is_cut_off;       /* its end is no whole record */
    struct ct_raw_record last; /* where one may be told twice */
};

/* NULL if it is no spool file. */
struct ct_spool *ct_spool_open(const char *path);
/* FALSE at the end. */
gboolean ct_spool_read(struct ct_spool *spool, struct ct_raw_record *record);
/* The same, without all that a tracepoint gave: forks, names, exits. */
gboolean ct_spool_read_life(struct ct_spool *spool, struct ct_raw_record *record);
void ct_spool_free(struct ct_spool *spool);

#endif
