/*
 * The board: one sparse file on tmpfs per traced process image, mapped shared by the preload and
 * the recorder, as far as it is used. It says what every thread is doing at this moment, counts
 * every call, holds the stacks and modules that events refer to, and the events themselves until
 * the recorder has written them to LTTng. Writing to it is plain stores, so it is there also after
 * SIGKILL of the program.
 *
 * One writer per thread slot and per event ring (its thread); the module and stack tables are
 * append-only and lock-free. The recorder only reads, except for the tails of the rings.
 *
 * Files in the session directory, CT_SESSION_PREFIX and six random letters: `control`, which only
 * the recorder writes, and processes open to read, so that they cannot map it otherwise;
 * `doorbell`; and `PID-STARTNS.board` for each process image, or an empty one with the ending of a
 * refusal, where an image could not have a board. A child of fork has none until it waits. They are
 * the recording user's alone. A process of the recorded tree that became another user's gets them
 * through the socket `handout`: to whoever connects from there the recorder sends one byte, and
 * with it three descriptors: of the control file, to read, of the doorbell, and of a new board.
 * Through the socket `asked` others of the recording user ask the recorder, not the processes.
 */
#ifndef CTRACE_SCHEMA_BOARD_H
#define CTRACE_SCHEMA_BOARD_H

#include "children.h"
#include "control.h"
#include "events.h"

#include <stdatomic.h>

#define CT_BOARD_MAGIC UINT64_C(0x3764726f62727463) /* "ctrbord7" */

/* Environment of the traced program: the session directory. */
#define CT_SESSION_VARIABLE "CTRACE_SESSION"
#define CT_SESSION_FOLDER   "/dev/shm"
#define CT_SESSION_PREFIX   "ctrace-"
#define CT_BOARD_SUFFIX     ".board"
#define CT_HANDOUT_SOCKET   "handout"

/* Why an image has no board. F(symbol, ending of the file's name, what the user is told) */
#define CT_REFUSALS(F)                                                            \
    F(ADDRESS_SPACE, ".no-address-space", "too little address space (ulimit -v)") \
    F(FILE_SIZE, ".no-file-size", "too low a limit of file sizes (ulimit -f)")    \
    F(MEMORY, ".no-memory", "no memory for it in /dev/shm, or none to be mapped") \
    F(HANDOUT, ".no-handout", "too many boards of one process, or of one other user")

enum ct_refusal {
#define REFUSAL(symbol, suffix, reason) CT_REFUSAL_##symbol,
    CT_REFUSALS(REFUSAL)
#undef REFUSAL
        CT_REFUSAL_COUNT,
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

/* Bytes for one of each operation; what follows is aligned. */
#define CT_OP_ROOM ((CT_OP_COUNT + 11) / 8 * 8 - 4)

/* Of what is to be on pages of its own: the smallest ones. */
#define CT_BOARD_ALIGNMENT 4096

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
    _Atomic uint32_t counters_used; /* of those below */
    /* Of each operation: which of them are its, plus one; 0: it has none yet. In the order in which
     * operations are first waited in, most threads have all on one page. */
    _Atomic uint8_t counters_of[CT_OP_ROOM];
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
    uint32_t reserved;     /* 0, which is no count, for who comes upon an incomplete one */
    uint16_t outermost;    /* as in CT_EVENT_STACK; CT_STACK_IS_CODE: see codes.h */
    uint16_t omitted_bits; /* at least 1 << omitted_bits - 1 frames; 0: none */
    uint64_t taken_ns;
    uint64_t addresses[];
};

#define CT_BOARD_STACK_HEADER (sizeof(struct ct_board_stack) / sizeof(uint64_t))

/*
 * The events that a thread has written and the recorder has not yet: a ring of records. Each slot
 * has a small one. A thread that finds it full goes on in a large one, and stays there.
 *
 * Positions in it count up; in their high bits is their epoch. A thread that finds its ring empty
 * may begin another epoch, at position 0: so most rings never get beyond their first pages, and
 * take no memory for more. A tail of another epoch than the head's is one of 0.
 *
 * A record is whole: one that does not fit before the end of the bytes begins at their start again.
 * A record of CT_EVENT_COUNT, or less room than for a header, stands for the rest of the bytes.
 */
struct ct_board_ring {
    _Atomic uint64_t head; /* epoch and position where the thread writes next */
    uint64_t backed;       /* so many of the bytes have memory behind them */
    uint64_t reserved[6];
    _Atomic uint64_t tail; /* epoch and position where the recorder reads next */
    uint64_t unused[7];
};

#define CT_RING_SMALL_FILE_SIZE (UINT32_C(1) << 16)
#define CT_RING_LARGE_FILE_SIZE (UINT32_C(1) << 20)

/* So many bytes of records follow the ring. */
#define CT_RING_SMALL_SIZE (CT_RING_SMALL_FILE_SIZE - sizeof(struct ct_board_ring))
#define CT_RING_LARGE_SIZE (CT_RING_LARGE_FILE_SIZE - sizeof(struct ct_board_ring))

/* The recorder is woken when such a part of a ring is full. */
#define CT_RING_CALL_SHARE 4

static inline uint8_t *ct_ring_bytes(struct ct_board_ring *ring)
{
    return (uint8_t *)(ring + 1);
}

/* All that there is of a thread. */
struct ct_board_slot {
    _Alignas(CT_BOARD_ALIGNMENT) struct ct_board_thread thread;
    uint32_t large_ring; /* its index, and one more, if threads write to one; 0: none yet */
    _Alignas(CT_BOARD_ALIGNMENT) uint8_t small_ring[CT_RING_SMALL_FILE_SIZE];
};

static inline struct ct_board_ring *ct_slot_ring(struct ct_board_slot *slot)
{
    return (struct ct_board_ring *)(void *)slot->small_ring;
}

/*
 * The tables of a board. The first part of each is in the header, enough for most programs; the
 * others are in segments of the file, in the order in which they were needed, without a gap: so
 * both sides map no more than what is used. The second part has `1 << second_bits` entries, and
 * each one after it twice as many as the one before it.
 *
 * Stacks are interned: a stack's id is the index of its first word; it lies in one part. The
 * buckets are a hash table of ids in levels, a part each: what finds no room in one goes on to the
 * next.
 */
enum ct_table {
    CT_TABLE_MODULES, /* struct ct_board_module */
    CT_TABLE_LIVES,   /* struct ct_board_life of them, in their order */
    CT_TABLE_BUCKETS, /* _Atomic uint32_t, the id of a stack; 0 is empty */
    CT_TABLE_WORDS,   /* uint64_t: struct ct_board_stack, one behind the other */
    CT_TABLE_SLOTS,   /* struct ct_board_slot */
    CT_TABLE_RINGS,   /* large ones */
    CT_TABLE_FORKED,  /* struct ct_board_forked */
    CT_TABLE_SITES,   /* struct ct_board_heap_site */
    CT_TABLE_BLOCKS,  /* struct ct_board_heap_bucket */
    CT_TABLE_COUNT,
};

#define CT_FIRST_MODULES 16
#define CT_FIRST_LIVES   32
#define CT_FIRST_BUCKETS 512
#define CT_FIRST_WORDS   1280
#define CT_FIRST_SLOTS   1
#define CT_FIRST_FORKED  32

/* F(symbol, size of an entry, entries of the first part, second_bits, parts after the first) */
#define CT_TABLES(F)                                                   \
    F(MODULES, sizeof(struct ct_board_module), CT_FIRST_MODULES, 7, 4) \
    F(LIVES, sizeof(struct ct_board_life), CT_FIRST_LIVES, 12, 3)      \
    F(BUCKETS, sizeof(uint32_t), CT_FIRST_BUCKETS, 14, 4)              \
    F(WORDS, sizeof(uint64_t), CT_FIRST_WORDS, 13, 9)                  \
    F(SLOTS, sizeof(struct ct_board_slot), CT_FIRST_SLOTS, 2, 12)      \
    F(RINGS, CT_RING_LARGE_FILE_SIZE, 0, 0, 12)                        \
    F(FORKED, sizeof(struct ct_board_forked), CT_FIRST_FORKED, 7, 4)   \
    F(SITES, sizeof(struct ct_board_heap_site), 0, 8, 12)              \
    F(BLOCKS, sizeof(struct ct_board_heap_bucket), 0, 9, 12)

/* The most parts that a table has after the first. */
#define CT_TABLE_PARTS 12

/* At least as many as all tables have. */
#define CT_BOARD_SEGMENTS 72

#define CT_TABLE_MAX(first, second_bits, parts) \
    ((first) + (((UINT32_C(1) << (parts)) - 1) << (second_bits)))

#define CT_BOARD_MAX_MODULES CT_TABLE_MAX(CT_FIRST_MODULES, 7, 4)
#define CT_BOARD_MAX_LIVES   CT_TABLE_MAX(CT_FIRST_LIVES, 12, 3)
#define CT_BOARD_BUCKETS     CT_TABLE_MAX(CT_FIRST_BUCKETS, 14, 4)
#define CT_BOARD_STACK_WORDS CT_TABLE_MAX(CT_FIRST_WORDS, 13, 9)
#define CT_BOARD_MAX_THREADS CT_TABLE_MAX(CT_FIRST_SLOTS, 2, 12)
#define CT_BOARD_MAX_RINGS   CT_TABLE_MAX(0, 0, 12)
#define CT_BOARD_MAX_FORKED  CT_TABLE_MAX(CT_FIRST_FORKED, 7, 4)

/* The last ids name no words: the recorder gives them to threads of which only the site of their
 * open wait is known. */
#define CT_BOARD_STACK_RESERVED CT_BOARD_MAX_THREADS

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
    _Atomic uint32_t used_words;  /* the next free one; word 0 is never used */
    _Atomic uint32_t ring_count;  /* large rings that were taken */
    _Atomic uint32_t life_count;
    _Atomic uint32_t forked_high_water; /* entries at and above were never used */
    _Atomic uint64_t held_up_ns;        /* threads have waited so long for room in a ring */
    _Atomic uint32_t unseen_children;   /* entries of `children` that were ever claimed */
    uint32_t unused;
    uint64_t heap_allocator;          /* address of its malloc; 0: the heap is not recorded */
    uint64_t heap_rate;               /* bytes */
    _Atomic uint64_t heap_early;      /* blocks, before the recording began */
    _Atomic uint64_t heap_dropped;    /* samples that found no room, or came from our own work */
    _Atomic uint64_t heap_overflowed; /* of the others: live ones that found no room */
    _Atomic uint8_t segments[CT_BOARD_SEGMENTS]; /* enum ct_table + 1 of each; 0: there is none */
    char exe[CT_BOARD_EXE_SIZE];
    char cwd[CT_BOARD_EXE_SIZE];
    struct ct_board_unseen successor; /* when EXECED; for no reason, maybe seen */
    /* The first part of each table; this one. */
    struct ct_board_life lives[CT_FIRST_LIVES];
    /* What goes beyond the first page has memory where it is used. */
    char args[CT_BOARD_ARGS_SIZE];
    struct ct_board_unseen children[CT_BOARD_MAX_UNSEEN]; /* the last one: those without room */
    _Alignas(CT_BOARD_ALIGNMENT) struct ct_board_module modules[CT_FIRST_MODULES];
    _Alignas(CT_BOARD_ALIGNMENT) _Atomic uint32_t buckets[CT_FIRST_BUCKETS];
    uint64_t words[CT_FIRST_WORDS];
    struct ct_board_slot slots[CT_FIRST_SLOTS];
    _Alignas(CT_BOARD_ALIGNMENT) struct ct_board_forked forked[CT_FIRST_FORKED];
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

struct ct_table_layout {
    uint32_t entry_size;
    uint32_t first;
    uint32_t second_bits;
    uint32_t parts; /* after the first */
};

static const struct ct_table_layout ct_table_layouts[CT_TABLE_COUNT] = {
#define TABLE_LAYOUT(symbol, size, first, second_bits, parts) \
    [CT_TABLE_##symbol] = {size, first, second_bits, parts},
    CT_TABLES(TABLE_LAYOUT)
#undef TABLE_LAYOUT
};

/* Where an entry of a table is. */
struct ct_table_place {
    uint32_t part;   /* 0: the first */
    uint32_t within; /* index in it */
    uint32_t count;  /* entries of that part */
};

static inline struct ct_table_place ct_table_place_of(enum ct_table table, uint32_t index)
{
    const struct ct_table_layout *layout = &ct_table_layouts[table];

    if (index < layout->first)
        return (struct ct_table_place){0, index, layout->first};
    index -= layout->first;
    uint32_t part = 32U - (uint32_t)__builtin_clz((index >> layout->second_bits) + 1);
    uint32_t count = UINT32_C(1) << (part - 1 + layout->second_bits);
    return (struct ct_table_place){part, index - (count - (UINT32_C(1) << layout->second_bits)),
                                   count};
}

/* The size of the segment that is this part of the table, not the first. */
static inline uint64_t ct_segment_size(enum ct_table table, uint32_t part)
{
    const struct ct_table_layout *layout = &ct_table_layouts[table];

    return (uint64_t)layout->entry_size << (part - 1 + layout->second_bits);
}

#define CT_BOARD_PAGE ((size_t)65536) /* the largest of any machine */

/* What every board has: the header. Segments follow. */
#define CT_BOARD_START_SIZE \
    ((sizeof(struct ct_board) + CT_BOARD_PAGE - 1) / CT_BOARD_PAGE * CT_BOARD_PAGE)

/* The file may be shorter. */
#define TABLE_SIZE(symbol, size, first, second_bits, parts) \
    +(size) * (uint64_t)(CT_TABLE_MAX(first, second_bits, parts) - (first))
#define CT_BOARD_FILE_SIZE (CT_BOARD_START_SIZE CT_TABLES(TABLE_SIZE))

/* Recorder and program may be built apart: these are the format. */
_Static_assert(sizeof(struct ct_board_wait) == 48, "wait layout");
_Static_assert(sizeof(struct ct_board_counters) == 144, "counters layout");
_Static_assert(offsetof(struct ct_board_thread, wait) == 48, "thread layout");
_Static_assert(offsetof(struct ct_board_thread, counters) % sizeof(uint64_t) == 0, "thread layout");
_Static_assert(sizeof(struct ct_board_module) == 512, "module layout");
_Static_assert(sizeof(struct ct_board_life) == 16, "life layout");
_Static_assert(sizeof(struct ct_board_stack) == 24, "stack layout");
_Static_assert(CT_CODE_WORDS <= CT_STACK_MAX_FRAMES, "a code fits a stack");
_Static_assert(CT_BOARD_STACK_WORDS <= 1 << CT_CODE_ID_BITS, "a code's id fits an address");
_Static_assert(offsetof(struct ct_board, exe) == 256, "board layout");
_Static_assert(offsetof(struct ct_board, args) == 2880, "board layout");
_Static_assert(offsetof(struct ct_board, modules) == 8192, "board layout");
_Static_assert(offsetof(struct ct_board, slots) == 28672, "board layout");
_Static_assert(offsetof(struct ct_board, forked) == 110592, "board layout");
_Static_assert(sizeof(struct ct_board_ring) == 128, "ring layout");
_Static_assert(offsetof(struct ct_board_slot, small_ring) == 16384, "slot layout");
#define SEGMENT_IS_OF_WHOLE_PAGES(symbol, size, first, second_bits, parts)     \
    _Static_assert(((uint64_t)(size) << (second_bits)) % CT_BOARD_PAGE == 0 && \
                       (parts) <= CT_TABLE_PARTS,                              \
                   "segments begin and end with pages");
CT_TABLES(SEGMENT_IS_OF_WHOLE_PAGES)
#define PARTS(symbol, size, first, second_bits, parts) +(parts)
_Static_assert(CT_TABLES(PARTS) <= CT_BOARD_SEGMENTS, "all segments have room");
_Static_assert(sizeof(struct ct_ring_record) == 16, "record layout");

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
