/*
 * A time off the CPU as the recorder's BPF programs tell it: a record of a spool file of the kind
 * CT_RINGS_BPF. It comes when the task is on a CPU again, so that records are in the order of their
 * ends. Plain C for the BPF programs, too.
 */
#ifndef CTRACE_SPOOL_OFF_CPU_H
#define CTRACE_SPOOL_OFF_CPU_H

#include <stdint.h>

/* Types of records, as in struct perf_event_header. */
enum ct_off_cpu_type {
    CT_OFF_CPU_SPAN = 96, /* struct ct_off_cpu, without what follows its `size` */
    CT_OFF_CPU_FD,        /* struct ct_off_cpu_fd */
    CT_OFF_CPU_LOSS,      /* struct ct_off_cpu_loss */
    CT_OFF_CPU_BEGIN,     /* struct ct_off_cpu_begin */
    CT_OFF_CPU_WAKER,     /* struct ct_off_cpu, of a task that wakes `next` at left_ns */
    CT_OFF_CPU_STILL      /* struct ct_off_cpu: what was told already lasts as the recording ends,
                             and records were lost meanwhile */
};

#define CT_OFF_CPU_NAME_SIZE 16
#define CT_OFF_CPU_ARGUMENTS 6

/* As many as CT_USER_REGISTERS has, in that order. */
#define CT_OFF_CPU_REGISTERS 17

/* So many callers at most, by frame pointers. */
#define CT_OFF_CPU_FRAMES 24

/* So much of a stack at most, from the stack pointer up, and where it is not known where it ends.
 * Where a thread was there before, less: the callers beyond are those that it had then. */
#define CT_OFF_CPU_STACK_SIZE       7168
#define CT_OFF_CPU_USUAL_STACK_SIZE 2048
#define CT_OFF_CPU_KNOWN_STACK_SIZE 512

enum ct_off_cpu_flag {
    CT_OFF_CPU_HAS_CALL = 1,           /* it is in a system call */
    CT_OFF_CPU_HAS_STACK = 2,          /* registers and stack follow */
    CT_OFF_CPU_WOKEN_BY_INTERRUPT = 4, /* so that `waker` only happened to be there */
    CT_OFF_CPU_HAS_REASON = 8,         /* it is in no system call, or that is not why */
    CT_OFF_CPU_AT_INSTRUCTION = 16     /* which is not over: a fault or an interrupt came */
};

/* Why else it left its CPU. */
enum ct_off_cpu_reason {
    CT_OFF_CPU_MAJOR_FAULT = 1, /* a page of its memory has to be read first */
    CT_OFF_CPU_PAGE_FAULT,      /* the same, for want of a lock, or of room */
    CT_OFF_CPU_STOPPED,         /* by a signal */
    CT_OFF_CPU_TRACED,          /* by who traces it */
    CT_OFF_CPU_SWAP_IN,         /* a page of its memory has to be read from swap space first */
    CT_OFF_CPU_RECLAIM,         /* there is no memory for it before others' is written or dropped */
    CT_OFF_CPU_THROTTLED,       /* its cgroup has used up its quota of CPU time */
    CT_OFF_CPU_EXITING          /* it ends, and something of that takes time */
};

#define CT_OFF_CPU_FILE_SIZE 32

/* What a page fault was for. */
struct ct_off_cpu_fault {
    uint64_t address;
    uint64_t file_offset;
    char file[CT_OFF_CPU_FILE_SIZE]; /* its own name; empty: it is not known, or there is none */
};

/* What a cgroup may use of the CPUs. */
struct ct_off_cpu_quota {
    uint64_t quota_ns; /* in each period, over all CPUs; 0: not known */
    uint64_t period_ns;
    char cgroup[CT_OFF_CPU_FILE_SIZE]; /* its own name, without those that it is in */
};

/* Another task, as of a moment. Ids are those of the recorder's pid namespace; 0: it has none
 * there. */
struct ct_off_cpu_task {
    int32_t tid;
    int32_t prio;
    char name[CT_OFF_CPU_NAME_SIZE]; /* with its end */
};

/* As struct perf_event_header. */
struct ct_off_cpu_header {
    uint32_t type;
    uint16_t misc;
    uint16_t size;
};

struct ct_off_cpu {
    struct ct_off_cpu_header header;
    uint64_t left_ns;  /* CLOCK_MONOTONIC; 0: not known, or told by an earlier record */
    uint64_t back_ns;  /* 0: it is not back yet, or never will be */
    uint64_t woken_ns; /* the last time; 0: it was not */
    int32_t pid;
    uint32_t flags; /* enum ct_off_cpu_flag */
    struct ct_off_cpu_task task;
    struct ct_off_cpu_task next;     /* who got its CPU */
    struct ct_off_cpu_task previous; /* who had the CPU that it got */
    int32_t waker_pid;
    int32_t waker_tid;
    uint32_t left_cpu;
    uint32_t back_cpu;
    uint32_t woken_cpu;
    uint32_t state;          /* as prev_state of sched_switch: 0x100 of one that was preempted */
    uint32_t previous_state; /* the same of `previous` */
    uint16_t stack_size;     /* so many bytes of `stack` were copied */
    uint16_t frame_count;    /* of `frames`, if frame pointers lead beyond all that was copied */
    /* Of the system call, or of the reason; only if there is one. */
    int64_t number; /* of the call; the reason, negative */
    union {
        uint64_t arguments[CT_OFF_CPU_ARGUMENTS];
        struct ct_off_cpu_fault fault;
        struct ct_off_cpu_quota quota; /* of CT_OFF_CPU_THROTTLED */
    };
    uint64_t instruction; /* where it goes on, and its stack pointer */
    uint64_t stack_pointer;
    /* Only with CT_OFF_CPU_HAS_STACK. */
    uint64_t registers[CT_OFF_CPU_REGISTERS];
    uint8_t stack[CT_OFF_CPU_STACK_SIZE];
    uint64_t frames[CT_OFF_CPU_FRAMES]; /* the instruction, then return addresses */
};

/* What the first argument of a call is, if it is a descriptor; once, as long as it is the same. */
struct ct_off_cpu_fd {
    struct ct_off_cpu_header header;
    uint64_t time_ns;
    int32_t pid;
    int32_t fd;
    uint32_t mode;         /* as st_mode */
    uint32_t device_major; /* of a device */
    uint32_t family;       /* of a socket */
    uint32_t cpu;
    char name[24]; /* of a file that has no type: as in "anon_inode:[eventfd]" after the colon */
};

/* So many records of tasks that had left that CPU found no room. */
struct ct_off_cpu_loss {
    struct ct_off_cpu_header header;
    uint64_t since_ns; /* the first one had left then */
    uint64_t until_ns;
    uint64_t count;
    uint32_t cpu;
    uint32_t unused;
};

struct ct_off_cpu_begin {
    struct ct_off_cpu_header header;
    uint64_t time_ns; /* from then on there are records */
};

#endif
