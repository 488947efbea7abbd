/*
 * The board: one sparse file on tmpfs per traced process image, mapped shared by the preload and
 * the recorder. It says what every thread is doing at this moment, counts every call, holds the
 * stacks and modules that events refer to, and the events themselves until the recorder has
 * written them to LTTng. Writing to it is plain stores, so it is there also after SIGKILL of the
 * program.
 *
 * One writer per thread slot and per event ring (its thread); the module and stack tables are
 * append-only and lock-free. The recorder only reads, except for the tails of the rings, and for
 * `control`, which only it writes.
 *
 * Files in the session directory, CT_SESSION_PREFIX and the recording's number: `control`, and
 * `PID-STARTNS.board` for each process image.
 */
#ifndef CTRACE_SCHEMA_BOARD_H
#define CTRACE_SCHEMA_BOARD_H

#include "events.h"

#include <stdatomic.h>

#define CT_BOARD_MAGIC   UINT64_C(0x3364726f62727463) /* "ctrbord3" */
#define CT_CONTROL_MAGIC UINT64_C(0x326c746372727463) /* "ctrrctl2" */

/* Environment of the traced program: the session directory. */
#define CT_SESSION_VARIABLE "CTRACE_SESSION"
#define CT_SESSION_PREFIX   "/dev/shm/ctrace-"
#define CT_RECORDING_MAX    1023
#define CT_CONTROL_FILE     "control"
#define CT_BOARD_SUFFIX     ".board"

#define CT_BOARD_MAX_THREADS   16384
#define CT_BOARD_MAX_MODULES   1024
#define CT_BOARD_MAX_LIVES     16384
#define CT_BOARD_STACK_BUCKETS (UINT32_C(1) << 17)
#define CT_BOARD_STACK_WORDS   (UINT32_C(1) << 22)

/* The last indices name no words: the recorder gives them to threads of which only the site of
 * their open wait is known. */
#define CT_BOARD_STACK_RESERVED CT_BOARD_MAX_THREADS

#define CT_OUTPUT_SIZE  4096
#define CT_COMMAND_SIZE 4096

/* In the control file, behind the page that only the recorder writes: where it can be woken. */
struct ct_doorbell {
    _Atomic uint32_t rung;       /* futex; counts up */
    _Atomic uint32_t is_awaited; /* the recorder sleeps on it */
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
    uint32_t recording;            /* its number */
    int32_t recorder_pid;
    uint32_t recorded_classes; /* bits 1 << class; waits of others are only counted */
    uint64_t begin_ns;         /* the same time; 0 while it is delayed */
    uint32_t alive_s; /* CLOCK_MONOTONIC seconds when the recorder last looked at the processes */
    uint32_t stack_frames; /* so many of a stack are kept */
    /* For whoever finishes what a killed recorder began. */
    char output[CT_OUTPUT_SIZE];
    char command[CT_COMMAND_SIZE];
};

enum ct_wait_state {
    CT_WAIT_STATE_NONE,
    CT_WAIT_STATE_OPEN,      /* in the call */
    CT_WAIT_STATE_UNWRITTEN, /* ended, its event still to be written */
};

/* The wait that a thread is in. */
struct ct_board_wait {
    _Atomic uint32_t state; /* enum ct_wait_state; stored last */
    uint32_t stack;         /* 0: not taken, see site */
    uint64_t begin_ticks;
    uint64_t end_ticks; /* when UNWRITTEN */
    uint64_t object;
    uint64_t site; /* return address of the call */
    int32_t owner;
    int16_t result;
    uint8_t op;
    uint8_t class;
};

struct ct_board_counters {
    uint64_t calls;
    uint64_t total_ns;
    uint32_t histogram[CT_HISTOGRAM_BUCKETS];
};

#define CT_THREAD_NAME_SIZE 16

struct ct_board_thread {
    _Atomic int32_t tid; /* 0: free, -1: being set up */
    int32_t creator_tid;
    uint64_t start_ns;
    uint64_t entry;
    uint64_t handle; /* the pthread_t */
    char name[CT_THREAD_NAME_SIZE];
    struct ct_board_wait wait;
    uint64_t waits_recorded; /* written as events */
    uint64_t class_ns[CT_CLASS_COUNT];
    struct ct_board_counters counters[CT_OP_COUNT];
};

#define CT_MODULE_PATH_SIZE 448
#define CT_BUILD_ID_MAX     32

struct ct_board_module {
    uint64_t begin;
    uint64_t end;
    uint64_t bias;
    uint32_t build_id_size;
    _Atomic uint32_t is_ready; /* stored last */
    uint8_t build_id[CT_BUILD_ID_MAX];
    char path[CT_MODULE_PATH_SIZE];
};

/* A module from when it was loaded until it was unloaded, by then; 0: it was not. In the time
 * between this and its next life another one was where it is. */
struct ct_board_life {
    uint64_t until_ns;
    _Atomic uint32_t module; /* its index, plus one; stored last */
    uint32_t reserved;
};

/* An interned stack. */
struct ct_board_stack {
    uint32_t count; /* of its addresses; stored last, with the hash: 0 until it is complete */
    uint32_t hash;
    uint16_t outermost;    /* as in CT_EVENT_STACK */
    uint16_t omitted_bits; /* at least 1 << omitted_bits - 1 frames; 0: none */
    uint32_t reserved;
    uint64_t taken_ns;
    uint64_t addresses[];
};

#define CT_BOARD_STACK_HEADER (sizeof(struct ct_board_stack) / sizeof(uint64_t))

/* Interned stacks: a stack's id is the index of its first word. */
struct ct_board_stacks {
    _Atomic uint32_t buckets[CT_BOARD_STACK_BUCKETS]; /* indices; 0 is empty */
    _Atomic uint32_t used_words;                      /* the next free one; word 0 is never used */
    uint32_t reserved;
    uint64_t words[CT_BOARD_STACK_WORDS]; /* struct ct_board_stack, one behind the other */
};

#define CT_BOARD_EXE_SIZE  1024
#define CT_BOARD_ARGS_SIZE 4096

enum ct_process_state {
    CT_PROCESS_ALIVE, /* or killed */
    CT_PROCESS_EXECED,
    CT_PROCESS_EXITED,
};

struct ct_board {
    _Atomic uint64_t magic; /* stored last: the header is complete */
    uint64_t size;
    uint32_t schema_version;
    int32_t pid;
    int32_t ppid;
    _Atomic uint32_t state; /* enum ct_process_state */
    uint64_t start_ns;
    uint64_t rate_ns;
    _Atomic uint64_t end_ns; /* when EXECED or EXITED */
    _Atomic uint64_t stacks_lost;
    _Atomic uint64_t threads_lost;
    _Atomic uint64_t modules_lost;
    _Atomic uint64_t threads_started;
    _Atomic uint64_t waits_recorded;    /* of threads that have exited */
    _Atomic uint32_t thread_high_water; /* slots at and above were never used */
    _Atomic uint32_t module_count;
    _Atomic uint64_t events_lost; /* of the recorded ones: there was no room in a ring */
    _Atomic uint32_t life_count;
    uint32_t reserved;
    char exe[CT_BOARD_EXE_SIZE];
    char args[CT_BOARD_ARGS_SIZE];
    char cwd[CT_BOARD_EXE_SIZE];
    struct ct_board_module modules[CT_BOARD_MAX_MODULES];
    struct ct_board_life lives[CT_BOARD_MAX_LIVES]; /* of modules, in their order */
    struct ct_board_stacks stacks;
    struct ct_board_thread threads[CT_BOARD_MAX_THREADS];
};

/*
 * The events that a thread has written and the recorder has not yet: a ring of records. There is
 * one for each thread slot, in the file behind the board.
 *
 * Positions in it count up; in their high bits is their epoch. A thread that finds its ring empty
 * may begin another epoch, at position 0: so most rings never get beyond their first pages, and
 * take no memory for more. A tail of another epoch than the head's is one of 0.
 *
 * A record is whole: one that does not fit before the end of the bytes begins at their start again.
 * A record of CT_EVENT_COUNT, or less room than for a header, stands for the rest of the bytes.
 */
#define CT_RING_HEADER_SIZE 128
#define CT_RING_FILE_SIZE   (UINT32_C(1) << 20)

/* The recorder is woken when so much is in a ring. */
#define CT_RING_CALL_SIZE (CT_RING_FILE_SIZE / 8)
#define CT_RING_SIZE      (CT_RING_FILE_SIZE - CT_RING_HEADER_SIZE)

struct ct_board_ring {
    _Atomic uint64_t head; /* epoch and position where the thread writes next */
    uint64_t backed;       /* so many of the bytes have memory behind them */
    uint64_t reserved[6];
    _Atomic uint64_t tail; /* epoch and position where the recorder reads next */
    uint64_t unused[7];
    uint8_t bytes[CT_RING_SIZE];
};

/* Then the event, as packed_event.h says. `size` counts both, and is a multiple of 8. */
struct ct_ring_record {
    uint64_t ticks; /* when it was written */
    int32_t tid;
    uint16_t size;
    uint8_t event; /* enum ct_event */
    uint8_t reserved;
};

#define CT_RING_RECORD_MAX 16384

#define CT_RING_EPOCH         (UINT64_C(1) << 40)
#define CT_RING_POSITION_MASK (CT_RING_EPOCH - 1)

/* The position of the first record that is still to be read. */
static inline uint64_t ct_ring_begin(uint64_t head, uint64_t tail)
{
    return (head ^ tail) & ~CT_RING_POSITION_MASK ? 0 : tail & CT_RING_POSITION_MASK;
}

/* The program maps so many rings at a time, as it needs them. */
#define CT_RINGS_AT_ONCE 16
#define CT_RING_CHUNKS   (CT_BOARD_MAX_THREADS / CT_RINGS_AT_ONCE)
#define CT_CHUNK_SIZE    ((size_t)CT_RINGS_AT_ONCE * CT_RING_FILE_SIZE)

/* In the file, which may be shorter. The first chunk is mapped together with the board. */
#define CT_BOARD_PAGE ((size_t)65536) /* the largest of any machine */
#define CT_RINGS_OFFSET \
    ((sizeof(struct ct_board) + CT_BOARD_PAGE - 1) / CT_BOARD_PAGE * CT_BOARD_PAGE)
#define CT_BOARD_FILE_SIZE (CT_RINGS_OFFSET + CT_RING_CHUNKS * CT_CHUNK_SIZE)

#define CT_DOORBELL_OFFSET \
    ((sizeof(struct ct_control) + CT_BOARD_PAGE - 1) / CT_BOARD_PAGE * CT_BOARD_PAGE)
#define CT_CONTROL_FILE_SIZE (CT_DOORBELL_OFFSET + sizeof(struct ct_doorbell))

/* Recorder and program may be built apart: these are the format. */
_Static_assert(offsetof(struct ct_control, output) == 80, "control layout");
_Static_assert(sizeof(struct ct_board_wait) == 48, "wait layout");
_Static_assert(sizeof(struct ct_board_counters) == 144, "counters layout");
_Static_assert(offsetof(struct ct_board_thread, wait) == 48, "thread layout");
_Static_assert(sizeof(struct ct_board_module) == 512, "module layout");
_Static_assert(sizeof(struct ct_board_stack) == 24, "stack layout");
_Static_assert(offsetof(struct ct_board, exe) == 120, "board layout");
_Static_assert(sizeof(struct ct_board_life) == 16, "life layout");
_Static_assert(offsetof(struct ct_board_ring, bytes) == CT_RING_HEADER_SIZE, "ring layout");
_Static_assert(sizeof(struct ct_board_ring) == CT_RING_FILE_SIZE, "ring layout");
_Static_assert(sizeof(struct ct_ring_record) == 16, "record layout");

/* The stack with that id, which is below CT_BOARD_STACK_WORDS. */
static inline const struct ct_board_stack *ct_board_stack_at(const struct ct_board_stacks *stacks,
                                                             uint32_t id)
{
    return (const struct ct_board_stack *)(const void *)&stacks->words[id];
}

/* The duration of `ticks` in nanoseconds. */
static inline uint64_t ct_ticks_to_ns(uint64_t ticks, uint64_t ns_per_tick)
{
    return (uint64_t)(((unsigned __int128)ticks * ns_per_tick) >> 32);
}

/* The histogram bucket that counts a call of this length. */
static inline unsigned ct_histogram_bucket(uint64_t duration_ns)
{
    if (duration_ns < 256)
        return 0;
    unsigned bucket = 63U - (unsigned)__builtin_clzll(duration_ns) - 7U;
    return bucket < CT_HISTOGRAM_BUCKETS ? bucket : CT_HISTOGRAM_BUCKETS - 1;
}

#endif
