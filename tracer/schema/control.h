/*
 * What the recorder tells every process that it records, and where they wake it: two files in the
 * session directory, see board.h.
 */
#ifndef CTRACE_SCHEMA_CONTROL_H
#define CTRACE_SCHEMA_CONTROL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define CT_CONTROL_MAGIC UINT64_C(0x396c746372727463) /* "ctrrctl9" */

#define CT_HEAP_OFF UINT64_MAX

#define CT_CONTROL_FILE  "control"
#define CT_DOORBELL_FILE "doorbell"

#define CT_OUTPUT_SIZE  4096
#define CT_COMMAND_SIZE 4096
#define CT_LOADER_SIZE  128

/* So many parts of a recording with --keep=newest are told of. */
#define CT_CONTROL_PARTS 16

struct ct_control_part {
    uint64_t begin_ns;     /* 0: there is none */
    uint64_t bytes_before; /* that the recording had ever got */
    uint64_t forgets_fds;  /* not all that was said of descriptors before could be said again */
};

/* What is live in the heaps of all processes whose heaps are seen, by samples: see heap.h. */
struct ct_heap_sum {
    uint64_t bytes;
    uint64_t objects;
    uint64_t processes; /* 0: none is seen */
};

/* In a file of its own, which the traced processes may write: where the recorder can be woken. */
struct ct_doorbell {
    _Atomic uint32_t rung;       /* futex; counts up */
    _Atomic uint32_t is_awaited; /* the recorder sleeps on it */
    _Atomic uint64_t deserted;   /* images that have no board, since it had not run for long */
};

/* What the recorder tells every traced process. */
struct ct_control {
    uint64_t magic;
    uint32_t schema_version;
    int32_t root_pid; /* the program that record launched */
    uint64_t rate_ns;
    _Atomic uint64_t ns_per_tick; /* 32.32 fixed point; refined while recording */
    /* Of the recording; UINT64_MAX while it is delayed: then waits are shown, but not recorded, and
     * one that goes on into the recording begins with it. */
    _Atomic uint64_t begin_ticks;
    uint32_t uses_tsc; /* ticks are the TSC's; else CLOCK_MONOTONIC nanoseconds */
    uint32_t follows_children;
    _Atomic uint32_t is_recording; /* hooks do nothing while it is zero */
    uint32_t stack_frames;         /* so many of a stack are kept */
    int32_t recorder_pid;
    uint32_t recorded_classes; /* bits 1 << class; waits of others are only counted */
    uint64_t begin_ns; /* the same time; 0 while it is delayed; of the oldest part that is kept */
    uint64_t alive_ns; /* when the recorder last looked at the processes, or ended the recording */
    /* Counts up while the recorder takes events. */
    _Atomic uint64_t progress;
    uint32_t is_lossless; /* a thread that finds no room in a ring waits, as long as that goes on */
    uint32_t dropped;     /* so many parts of the recording, the oldest ones, are gone */
    uint64_t clock_ticks; /* the clock, as it was read in both units not long ago */
    uint64_t clock_ns;
    uint64_t heap_rate;          /* bytes: see heap.h; CT_HEAP_OFF: the heap is not recorded */
    char loader[CT_LOADER_SIZE]; /* of the C library that recorder and preload are built for */
    /* For whoever finishes what a killed recorder began. */
    char output[CT_OUTPUT_SIZE];
    char command[CT_COMMAND_SIZE];
    uint64_t max_size;           /* of what is kept, with --keep=newest; 0: everything is */
    uint64_t recording_begin_ns; /* then: whatever is left of it */
    struct ct_control_part
        parts[CT_CONTROL_PARTS]; /* then: those that are left, the oldest first */
    /* For whoever watches. */
    struct ct_heap_sum heap; /* at the last look */
};

/* So much of it is for the traced processes: one page. */
#define CT_CONTROL_TOLD_SIZE offsetof(struct ct_control, output)

/* Recorder and program may be built apart: this is the format. */
_Static_assert(offsetof(struct ct_control, output) == 248, "control layout");
_Static_assert(sizeof(struct ct_control) % sizeof(uint64_t) == 0, "control layout");

#endif
