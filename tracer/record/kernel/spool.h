/*
 * What a CPU's ring held, as perf wrote it, in a file: until the trace is cut, since a recording
 * must cost little while it is made. This is the file's head; perf's records follow.
 */
#ifndef CTRACE_RECORD_KERNEL_SPOOL_H
#define CTRACE_RECORD_KERNEL_SPOOL_H

#include "rings.h"

#define CT_SPOOL_MAGIC   UINT64_C(0x314c4f4f50534b43)
#define CT_SPOOL_VERSION 1

/* The folder of spool files below a recording's. */
#define CT_SPOOL_FOLDER "spool"

struct ct_spool_head {
    uint64_t magic;
    uint32_t version;
    uint32_t cpu;
    uint32_t is_all_cpus;     /* see struct ct_rings */
    uint32_t has_foreign_ids; /* tracepoints tell ids of another pid namespace than ours */
    struct ct_formats formats;
};

/* A file for the ring below `folder`, with its head. -1 and errno if there can be none. */
int ct_spool_create(const char *folder, const struct ct_rings *rings, const struct ct_ring *ring);

/* Removes the folder below `path` with all files. */
void ct_spool_remove(const char *path);

enum ct_raw_kind {
    CT_RAW_SWITCH,
    CT_RAW_WAKING,
    CT_RAW_FORK,
    CT_RAW_EXIT,
    CT_RAW_NAME,
    CT_RAW_TASK_SWITCH, /* of one task: it got the CPU, or lost it */
    CT_RAW_ARRIVAL,     /* the task came on the CPU: follows a CT_RAW_SWITCH, if that was told */
    CT_RAW_LOST
};

#define CT_TASK_NAME_SIZE 16

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
        } task; /* fork and exit */
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
        uint64_t lost;
    } as;
};

/* Reading one file: a record after the other. */
struct ct_spool {
    struct ct_spool_head head;
    const char *data; /* owned mapping */
    size_t size;
    size_t next;         /* offset of the record after the current one */
    gboolean is_cut_off; /* its end is no whole record */
};

/* NULL if it is no spool file. */
struct ct_spool *ct_spool_open(const char *path);
/* FALSE at the end. */
gboolean ct_spool_read(struct ct_spool *spool, struct ct_raw_record *record);
void ct_spool_free(struct ct_spool *spool);

#endif
