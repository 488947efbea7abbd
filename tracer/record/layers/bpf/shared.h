/* What the BPF programs and the recorder, which loads them, both know. */
#ifndef CTRACE_RECORD_LAYERS_BPF_SHARED_H
#define CTRACE_RECORD_LAYERS_BPF_SHARED_H

#include "spool/off_cpu.h"

#include <stdint.h>

#define CT_BPF_RING_SIZE (8U << 20)

/* Powers of two. */
#define CT_BPF_CPUS_MAX  4096
#define CT_BPF_ROOTS_MAX 65536

/* As deep as they can be, and the first one. */
#define CT_BPF_NAMESPACES_MAX 33

/* So many descriptors of a task are known to have been told of: a power of two. */
#define CT_BPF_FILES_KNOWN 16

/* Of how many places its whole stack is known: a power of two; and how often it is told again. */
#define CT_BPF_PLACES_KNOWN  8
#define CT_BPF_PLACE_REFRESH 16

/* After so many records, on average, it is looked at how full the ring is. */
#define CT_BPF_WAKE_INTERVAL 64

/* So large may a stack be. */
#define CT_BPF_STACK_REACH (64ULL << 20)

/* From when a task's waker acts to when the task, on another CPU, has left it. */
#define CT_BPF_WAKE_RACE_NS 20000

/* Functions of the kernel by which it is known why a task waits: they are on its stack then. */
enum ct_bpf_function {
    CT_BPF_IN_FAULT,
    CT_BPF_IN_SWAP,
    CT_BPF_IN_RECLAIM,
    CT_BPF_IN_CGROUP_RECLAIM,
    CT_BPF_FUNCTIONS
};

#define CT_BPF_FUNCTION_TEXT 64

struct ct_bpf_range {
    uint64_t begin;                  /* 0: there is none */
    uint64_t end;                    /* set by the recorder, from the text */
    char text[CT_BPF_FUNCTION_TEXT]; /* "name+0x0/0x1f0": the last is how large it is */
};

struct ct_bpf_loss {
    uint64_t count;
    uint64_t since_ns; /* 0: none */
};

/* Whom the programs find by themselves, beside the roots and what those start. */
enum ct_bpf_scope {
    CT_BPF_ROOTS_ONLY,
    CT_BPF_CGROUP, /* who comes into it */
    CT_BPF_MACHINE /* who is started by whom we do not follow, as by the kernel itself */
};

/* A record in the ring, of a process that is to be followed: by the recorder, which knows all of
 * its threads. */
#define CT_BPF_JOINED 200

struct ct_bpf_joined {
    struct ct_off_cpu_header header;
    uint64_t time_ns;
    int32_t pid;
    uint32_t unused;
};

struct ct_bpf_state {
    /* Set by the recorder. */
    uint32_t is_on;
    uint32_t own_namespace; /* the inode of its pid namespace */
    uint32_t wants_calls;   /* and where they were made */
    uint32_t wants_wakers;  /* and where those were who let others go on */
    uint32_t follows_children;
    uint32_t scope;        /* enum ct_bpf_scope */
    uint32_t hierarchy_id; /* the cgroup's, and its own */
    uint64_t cgroup_id;
    uint64_t rate_ns;
    uint64_t told_ns; /* see tell_absent */
    uint32_t tells_again;
    uint64_t part; /* of the recording: what was told before does not count in the next */
    struct ct_bpf_range functions[CT_BPF_FUNCTIONS];
    /* Set by the programs. */
    uint32_t adopted;    /* so many tasks were */
    uint32_t unfollowed; /* tasks that there was no memory for */
    uint32_t untold;     /* absent ones that there was no room for in the ring */
    struct ct_bpf_loss losses[CT_BPF_CPUS_MAX]; /* by CPU, modulo their number */
};

#endif
