/*
 * Every event of the `ctrace` provider, field by field. The structs that the producers fill, their
 * packed form, the LTTng tracepoints that write them and the analyzer's decoder are all generated
 * from these tables.
 *
 * Times are CLOCK_MONOTONIC nanoseconds. A traced program's events go through its board to the
 * recorder, which writes them all: with the time at which the program wrote them, or a little later
 * where others came first, and with the fields of CT_SOURCE or CT_PROMPT_SOURCE before those named
 * here. Events that the recorder makes up name their subject themselves: `pid` and
 * `process_start_ns` identify a process image (a pid lives on through exec, and is reused).
 */
#ifndef CTRACE_SCHEMA_EVENTS_H
#define CTRACE_SCHEMA_EVENTS_H

#include "codes.h"
#include "heap.h"
#include "operations.h"
#include "turns.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CT_PROVIDER "ctrace"

/* Raised when an older analyzer would misread the trace; that of a recording in which a part began
 * (see CT_EVENT_PART), higher where such are the only ones that it would; and the oldest that this
 * one reads, in which the fields of CT_LATER_FIELDS may be missing. */
#define CT_SCHEMA_VERSION       6
#define CT_SCHEMA_VERSION_PARTS 6
#define CT_SCHEMA_VERSION_MIN   2

/* Counters keep one bucket per power of two: bucket 0 is below 256 ns, bucket i
 * is [2^(i+7), 2^(i+8)) ns, and the last one also takes all that is longer. */
#define CT_HISTOGRAM_BUCKETS 32

/* So many frames of a stack are kept, unless record is told otherwise. */
#define CT_STACK_DEFAULT_FRAMES 128
#define CT_STACK_MIN_FRAMES     8
#define CT_STACK_MAX_FRAMES     250

/* Of a deeper one, so many of them are its outermost: where the thread is takes more to say than
 * how it came there. */
#define CT_STACK_OUTERMOST(frames) ((frames) / 4)

/* How many frames were left out is told to the next lower power of two: stacks that differ by a few
 * are the same. */
static inline uint32_t ct_stack_omitted(uint32_t frames)
{
    return frames == 0 ? 0 : UINT32_C(1) << (31 - __builtin_clz(frames));
}

/*
 * Written for a string that is empty: babeltrace2 2.0, and what reads with it, shows an earlier
 * event's string in its place.
 */
#define CT_EMPTY_STRING "(none)"

static inline const char *ct_string_to_write(const char *string)
{
    return string[0] != '\0' ? string : CT_EMPTY_STRING;
}

static inline const char *ct_string_as_read(const char *string)
{
    return strcmp(string, CT_EMPTY_STRING) != 0 ? string : "";
}

/* The id of a stack that found no room. */
#define CT_STACK_LOST UINT32_MAX

/*
 * A wait that has ended. It ended `lag_ns` before the event's timestamp (the event is written
 * outside critical sections) and lasted `duration_ns`. `stack` is the id of a `stack` event of the
 * same process; there is none for CT_STACK_LOST.
 * `object` of a wait for any of several descriptors: see turns.h.
 * `result` is what the call returned, at most 32767; a failure is the negative errno. Waits shorter
 * than the process's rate_ns are sampled: each one stands for rate_ns / duration_ns waits.
 */
#define CT_WAIT_FIELDS(TIME, F) \
    F(TIME, duration_ns)        \
    F(TIME, lag_ns)             \
    F(HEX64, object)            \
    F(U32, stack)               \
    F(I16, result)              \
    F(OP, op)                   \
    F(CLASS, class)

#define CT_EVENT_WAIT(F) CT_WAIT_FIELDS(U32, F)

/* A wait for a lock that thread `owner` held when the wait began; negative: processes share the
 * lock, and the thread of that number may be of any of them. */
#define CT_EVENT_LOCK_WAIT(F) \
    CT_WAIT_FIELDS(U32, F)    \
    F(I32, owner)

/* Either, for a duration or lag of 2^32 ns (4.29 s) or more; `owner` is 0 if there is none. */
#define CT_EVENT_LONG_WAIT(F) \
    CT_WAIT_FIELDS(U64, F)    \
    F(I32, owner)

/*
 * Several waits that follow each other closely, of any threads, as columns: what `wait` says of
 * each of them. The recorder makes it of events that come faster than LTTng takes them one by one.
 * A column has as many values as the others; `ops` and `classes` are numbered as those of `wait`.
 */
#define CT_EVENT_WAITS(F)       \
    F(I32_COLUMN, vpids)        \
    F(I32_COLUMN, vtids)        \
    F(U32_COLUMN, durations_ns) \
    F(U32_COLUMN, lags_ns)      \
    F(HEX64_COLUMN, objects)    \
    F(U32_COLUMN, stacks)       \
    F(I16_COLUMN, results)      \
    F(U8_COLUMN, ops)           \
    F(U8_COLUMN, classes)

/* In the object of a `wake`: the other bits are the id of the thread that it let go. It polled. */
#define CT_WAKE_OF_POLLER (UINT64_C(1) << 63)

/* This thread let waiters of `object` go, `lag_ns` before the event's timestamp. */
#define CT_WAKE_FIELDS(TIME, F) \
    F(HEX64, object)            \
    F(U32, stack)               \
    F(TIME, lag_ns)             \
    F(OP, op)

#define CT_EVENT_WAKE(F) CT_WAKE_FIELDS(U32, F)

/* The same, for a lag of 2^32 ns or more. */
#define CT_EVENT_LONG_WAKE(F) CT_WAKE_FIELDS(U64, F)

/* Whose event it is: process and thread, as they know themselves. */
#define CT_SOURCE(F) \
    F(I32, vpid)     \
    F(I32, vtid)

/* Of an event that has no lag of its own: it was written so long before its timestamp. */
#define CT_PROMPT_SOURCE(F) \
    CT_SOURCE(F)            \
    F(U64, lag_ns)

/* A new process image: program start, fork child, or after exec. First event of its process. */
#define CT_EVENT_PROCESS_START(F) \
    F(U32, schema_version)        \
    F(U64, process_start_ns)      \
    F(U64, rate_ns)               \
    F(I32, ppid)                  \
    F(STRING, exe)                \
    F(STRING, args)               \
    F(STRING, cwd)

/* The process ends by itself. A killed process has no such event. */
#define CT_EVENT_PROCESS_EXIT(F) F(I32, status)

/* Libraries were unloaded: what is loaded later may stand where they stood. */
#define CT_EVENT_UNLOAD(F) F(U32, generation)

/* Written in the parent, after the fact. */
#define CT_EVENT_FORK(F) F(I32, child_pid)

/* Written just before the image is replaced. */
#define CT_EVENT_EXEC(F) F(STRING, path)

/* `entry` is the start routine; zero for a process's first thread. */
#define CT_EVENT_THREAD_START(F) \
    F(I32, creator_tid)          \
    F(HEX64, entry)

#define CT_EVENT_THREAD_NAME(F) F(STRING, name)

/* Exact totals of all the thread's waits, recorded as events or not. */
#define CT_CLASS_TOTALS(F) \
    F(U64, net_ns)         \
    F(U64, sync_ns)        \
    F(U64, syscall_ns)     \
    F(U64, sleep_ns)

#define CT_EVENT_THREAD_EXIT(F) CT_CLASS_TOTALS(F)

/* Once for each descriptor that blocks; again when its number means another file.
 * `local` is a socket's own address or a file's path, `peer` a socket's other end. */
#define CT_EVENT_FD(F) \
    F(I32, fd)         \
    F(FD_KIND, kind)   \
    F(STRING, local)   \
    F(STRING, peer)

/*
 * This thread holds the lock `held`, which it got by `held_op`, while it begins to wait for
 * `object` by `op`, with that stack. It is told of the locks that it took last, of mutexes and of
 * read-write locks that it writes under, and not each time.
 */
#define CT_EVENT_LOCK_ORDER(F) \
    F(HEX64, held)             \
    F(OP, held_op)             \
    F(HEX64, object)           \
    F(OP, op)                  \
    F(U32, stack)

#define CT_SUBJECT(F) \
    F(I32, pid)       \
    F(U64, process_start_ns)

/* A process as its board describes it when the trace is cut, or before, once it is over.
 * `process_end_ns` is 0 if the image still ran when the trace was cut. */
#define CT_EVENT_PROCESS(F) \
    CT_SUBJECT(F)           \
    F(U64, process_end_ns)  \
    F(U32, schema_version)  \
    F(U64, rate_ns)         \
    F(I32, ppid)            \
    F(STRING, exe)          \
    F(STRING, args)         \
    F(STRING, cwd)

/* A thread that had not exited by itself when the trace was cut, with its totals. */
#define CT_EVENT_THREAD(F)  \
    CT_SUBJECT(F)           \
    F(I32, tid)             \
    F(U64, thread_start_ns) \
    F(HEX64, entry)         \
    F(STRING, name)         \
    CT_CLASS_TOTALS(F)

/*
 * Return addresses, leaf first: the first one is in the caller of the operation. They lie in the
 * modules that were loaded at `taken_ns`. Of a stack that was too deep to be kept, at least
 * `omitted` frames were left out; the last `outermost` addresses are those beyond them.
 */
#define CT_EVENT_STACK(F)   \
    CT_SUBJECT(F)           \
    F(U32, id)              \
    F(ADDRESSES, addresses) \
    F(U64, taken_ns)        \
    F(U32, omitted)         \
    F(U32, outermost)

/* An ELF object mapped at [begin, end); `bias` is what was added to its virtual addresses. It was
 * unloaded by `until_ns`; 0: it was not. */
#define CT_EVENT_MODULE(F)                                      \
    CT_SUBJECT(F)                                               \
    F(STRING, path)                                             \
    F(STRING, build_id) /* hexadecimal, empty if it has none */ \
    F(HEX64, begin)                                             \
    F(HEX64, end)                                               \
    F(HEX64, bias)                                              \
    F(U64, until_ns)

/* Those that a trace of an older version lacks; then they are 0. */
#define CT_LATER_FIELDS(FIELD) \
    FIELD(taken_ns)            \
    FIELD(omitted)             \
    FIELD(outermost)           \
    FIELD(until_ns)            \
    FIELD(held_up_ns)          \
    FIELD(lead_ns)             \
    FIELD(lead_round)          \
    FIELD(begin_round)         \
    FIELD(end_round)           \
    FIELD(peak_ns)             \
    FIELD(moments_ns)          \
    FIELD(peak_live)           \
    FIELD(moments_live)

/* A wait that was not yet written as an event when the trace was cut. is_open:
 * the thread was still waiting, and duration_ns counts up to the cut. */
#define CT_EVENT_INFLIGHT(F) \
    CT_SUBJECT(F)            \
    F(I32, tid)              \
    F(U64, since_ns)         \
    F(U64, duration_ns)      \
    F(HEX64, object)         \
    F(U32, stack)            \
    F(I32, owner)            \
    F(I16, result)           \
    F(OP, op)                \
    F(CLASS, class)          \
    F(U8, is_open)

/* All calls of one operation by one thread, recorded as events or not; of locks, the contended
 * ones. Written when the thread exits, or by the recorder when the trace is cut. */
#define CT_EVENT_COUNTERS(F) \
    CT_SUBJECT(F)            \
    F(I32, tid)              \
    F(OP, op)                \
    F(U64, calls)            \
    F(U64, total_ns)         \
    F(HISTOGRAM, histogram)

/* The recording itself; the last event of a complete trace. */
#define CT_EVENT_CAPTURE(F)                                                                      \
    F(U32, schema_version)                                                                       \
    F(STRING, ctrace_version)                                                                    \
    F(STRING, command)                                                                           \
    F(STRING, layers)  /* live ones, comma-separated: "preload,kernel" */                        \
    F(STRING, missing) /* why a layer is not live; empty if all are */                           \
    F(U64, begin_ns)                                                                             \
    F(U64, end_ns)                                                                               \
    F(U64, rate_ns)                                                                              \
    F(I32, exit_status)    /* of the program, as a shell gives it; -1 if it was still running */ \
    F(U32, process_count)  /* images traced */                                                   \
    F(U64, waits_recorded) /* written as events: a trace with fewer has lost some */             \
    F(U64, events_lost)    /* waits and others that found no room in a ring */                   \
    F(U64, stacks_lost)    /* stacks that found no room on a board */                            \
    F(U64, threads_lost)   /* threads that found no slot on a board */                           \
    F(U64, modules_lost)                                                                         \
    F(U64, held_up_ns) /* threads waited so long for room in their rings: record --lossless */

/* Process images of the program's tree that did not load the library: `count` of one name, and for
 * one reason. Not those that ran already. is_recorded: the kernel told of their waits. */
#define CT_EVENT_UNSEEN(F) \
    F(U32, count)          \
    F(STRING, name)        \
    F(STRING, why)         \
    F(U8, is_recorded)

/*
 * With record --keep=newest: a part of the recording begins at `begin_ns`, and what is older may be
 * gone; then this is the first event of the trace. All waits that end later come behind it. Until
 * the next event of this kind, which is_restated, process, thread, counters and fd events say what
 * was there then, and the totals that there were: of a whole recording from its second part on,
 * they say nothing new. `bytes_before` is what the recording had before. One that was to begin with
 * this part, on standby before, begins when it does.
 */
#define CT_EVENT_PART(F)       \
    F(U32, number)             \
    F(U64, begin_ns)           \
    F(U64, recording_begin_ns) \
    F(U64, bytes_before)       \
    F(U8, is_restated)

/* How often, and so through which channel: per wait, or per thread and process. */
#define CT_CHANNEL_WAITS "waits"
#define CT_CHANNEL_STATE "state"

/* EVENT(symbol, name, channel): those that say how long before them it was, by a field lag_ns. */
#define CT_LAGGING_EVENTS(EVENT)                  \
    EVENT(WAIT, wait, CT_CHANNEL_WAITS)           \
    EVENT(LOCK_WAIT, lock_wait, CT_CHANNEL_WAITS) \
    EVENT(LONG_WAIT, long_wait, CT_CHANNEL_WAITS) \
    EVENT(WAKE, wake, CT_CHANNEL_WAITS)           \
    EVENT(LONG_WAKE, long_wake, CT_CHANNEL_WAITS) \
    EVENT(TURN, turn, CT_CHANNEL_WAITS)

/* Those that are written at once. */
#define CT_PROMPT_EVENTS(EVENT)                           \
    EVENT(PROCESS_START, process_start, CT_CHANNEL_STATE) \
    EVENT(PROCESS_EXIT, process_exit, CT_CHANNEL_STATE)   \
    EVENT(UNLOAD, unload, CT_CHANNEL_STATE)               \
    EVENT(FORK, fork, CT_CHANNEL_STATE)                   \
    EVENT(EXEC, exec, CT_CHANNEL_STATE)                   \
    EVENT(THREAD_START, thread_start, CT_CHANNEL_STATE)   \
    EVENT(THREAD_NAME, thread_name, CT_CHANNEL_STATE)     \
    EVENT(THREAD_EXIT, thread_exit, CT_CHANNEL_STATE)     \
    EVENT(FD, fd, CT_CHANNEL_STATE)                       \
    EVENT(COUNTERS, counters, CT_CHANNEL_STATE)           \
    EVENT(LOCK_ORDER, lock_order, CT_CHANNEL_STATE)

/* What a traced program writes itself. */
#define CT_PROGRAM_EVENTS(EVENT) \
    CT_LAGGING_EVENTS(EVENT)     \
    CT_PROMPT_EVENTS(EVENT)

/* What the recorder makes up from the boards. */
#define CT_RECORDER_EVENTS(EVENT)                 \
    EVENT(PROCESS, process, CT_CHANNEL_STATE)     \
    EVENT(THREAD, thread, CT_CHANNEL_STATE)       \
    EVENT(STACK, stack, CT_CHANNEL_STATE)         \
    EVENT(MODULE, module, CT_CHANNEL_STATE)       \
    EVENT(CODE, code, CT_CHANNEL_STATE)           \
    EVENT(INFLIGHT, inflight, CT_CHANNEL_STATE)   \
    EVENT(HEAP, heap, CT_CHANNEL_STATE)           \
    EVENT(HEAP_SITE, heap_site, CT_CHANNEL_STATE) \
    EVENT(UNSEEN, unseen, CT_CHANNEL_STATE)       \
    EVENT(PART, part, CT_CHANNEL_STATE)           \
    EVENT(WAITS, waits, CT_CHANNEL_WAITS)         \
    EVENT(CAPTURE, capture, CT_CHANNEL_STATE)

#define CT_EVENTS(EVENT)     \
    CT_PROGRAM_EVENTS(EVENT) \
    CT_RECORDER_EVENTS(EVENT)

/*
 * A sequence in an event struct: borrowed by the event. Its length is one byte in the trace, so
 * that no damage makes a reader believe in billions of elements.
 */
struct ct_u64_sequence {
    const uint64_t *values;
    uint32_t count;
};

#define CT_SEQUENCE_LENGTH_MAX 255
_Static_assert(CT_STACK_MAX_FRAMES <= CT_SEQUENCE_LENGTH_MAX, "a stack fits a sequence");
_Static_assert(CT_HISTOGRAM_BUCKETS <= CT_SEQUENCE_LENGTH_MAX, "a histogram fits a sequence");

/* The same of another type: as many values as it says, of the field's own width. */
struct ct_column {
    const void *values;
    uint32_t count;
};

/* F(field type, type of its values) */
#define CT_COLUMN_TYPES(F)    \
    F(I32_COLUMN, int32_t)    \
    F(U32_COLUMN, uint32_t)   \
    F(HEX64_COLUMN, uint64_t) \
    F(I16_COLUMN, int16_t)    \
    F(U8_COLUMN, uint8_t)

/* The C type of each field type above. */
#define CT_TYPE_U8           uint8_t
#define CT_TYPE_U32          uint32_t
#define CT_TYPE_U64          uint64_t
#define CT_TYPE_I16          int16_t
#define CT_TYPE_I32          int32_t
#define CT_TYPE_I64          int64_t
#define CT_TYPE_HEX64        uint64_t
#define CT_TYPE_OP           uint8_t
#define CT_TYPE_CLASS        uint8_t
#define CT_TYPE_FD_KIND      uint8_t
#define CT_TYPE_STRING       const char *
#define CT_TYPE_ADDRESSES    struct ct_u64_sequence
#define CT_TYPE_HISTOGRAM    struct ct_u64_sequence
#define CT_TYPE_I32_COLUMN   struct ct_column
#define CT_TYPE_U32_COLUMN   struct ct_column
#define CT_TYPE_HEX64_COLUMN struct ct_column
#define CT_TYPE_I16_COLUMN   struct ct_column
#define CT_TYPE_U8_COLUMN    struct ct_column

/* struct ct_event_wait, ct_event_wake ...: what a producer fills and a decoder gives. */
#define CT_STRUCT_FIELD(type, name) CT_TYPE_##type name;
#define CT_STRUCT(symbol, name, channel)   \
    struct ct_event_##name {               \
        CT_EVENT_##symbol(CT_STRUCT_FIELD) \
    };
CT_EVENTS(CT_STRUCT)
#undef CT_STRUCT
#undef CT_STRUCT_FIELD
enum ct_event {
#define CT_EVENT_SYMBOL(symbol, name, channel) CT_EVENT_ID_##symbol,
    CT_EVENTS(CT_EVENT_SYMBOL)
#undef CT_EVENT_SYMBOL
        CT_EVENT_COUNT
};

#endif
