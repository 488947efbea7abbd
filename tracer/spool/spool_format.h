/* The layout of a spool file: its head, then perf's records, and some of our own among them. */
#ifndef CTRACE_SPOOL_SPOOL_FORMAT_H
#define CTRACE_SPOOL_SPOOL_FORMAT_H

#include "raw_formats.h"
#include "schema/syscalls.h"

#include <stdint.h>

#define CT_SPOOL_MAGIC   UINT64_C(0x314c4f4f50534b43)
#define CT_SPOOL_VERSION 4

/* What the rings were told of, from which a spool file is. */
enum ct_rings_kind {
    CT_RINGS_MACHINE, /* the scheduler's tracepoints, of every task */
    CT_RINGS_PROCESS, /* context switches of some */
    CT_RINGS_CALLS,   /* their system calls, and where they were when they left a CPU */
    CT_RINGS_SAMPLES, /* where those are, by the time that they run */
    CT_RINGS_BPF      /* of BPF programs: when some are off the CPU; see off_cpu.h */
};

struct ct_spool_head {
    uint64_t magic;
    uint32_t version;
    uint32_t cpu;
    uint32_t kind;            /* enum ct_rings_kind */
    uint32_t has_foreign_ids; /* tracepoints tell ids of another pid namespace than ours */
    uint64_t begin;           /* of the first record that counts; what is before may be gone; 0: of
                                 the first that there is */
    uint32_t part; /* of what was present: at the begin of which part of the recording; 0: of it */
    uint32_t reserved;
    struct ct_formats formats;
};

/* In the place of the CPU, of a file that is no ring's: what snapshot.h writes. */
#define CT_SPOOL_NO_CPU UINT32_MAX

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
    CT_SPOOL_TASK          /* no strings, but what was copied of its stack */
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
    uint64_t stack_pointer; /* of its own code, if it is blocked; 0: that is not known */
    uint64_t instruction;   /* where it goes on */
    uint64_t stack_size;    /* so many bytes from the stack pointer on were copied */
};

#endif
