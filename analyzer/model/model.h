/*
 * What a trace says, as plain data: processes, threads, stacks, modules and the
 * capture report. Filled by ingest, read by profile, report and render. Events
 * do not stay here: waits and wakes stream past as intervals (see sink.h), so
 * memory grows with threads, objects and distinct stacks only.
 *
 * All times are CLOCK_MONOTONIC nanoseconds as in the trace; `epoch_offset_ns`
 * turns them into wall-clock time.
 *
 * Processes, threads and stacks live as long as the model, at the place where they were made:
 * intervals, wakes, tasks and sinks point to them. None is freed or replaced before.
 */
#ifndef CTRACE_MODEL_H
#define CTRACE_MODEL_H

#include "model/activity.h"
#include "model/heap.h"
#include "model/wait_facts.h"
#include "schema/events.h"

#include <glib.h>

/* Leaf first; return addresses (subtract one to be inside the call). */
struct ct_stack {
    uint32_t id; /* unique in its process, never 0 */
    uint32_t count;
    uint64_t time_ns;   /* when it was taken: in the modules of then */
    uint32_t omitted;   /* at least so many frames were too many to be kept; 0: it is whole */
    uint32_t outermost; /* then: so many of the addresses, the last ones, are beyond those */
    gboolean is_by_frame_pointers; /* callers are missing where code was built without them */
    gboolean is_partial;           /* the outermost callers are missing */
    uint64_t addresses[];
};

struct ct_module {
    char *path;        /* owned */
    char *build_id;    /* owned; hexadecimal, "" if it has none */
    char *copy;        /* owned; the path of its copy in the recording; NULL: there is none */
    uint64_t begin;    /* first address mapped */
    uint64_t end;      /* one past the last */
    uint64_t bias;     /* runtime address minus address in the file */
    uint64_t until_ns; /* it was unloaded by then, and another may be there since; 0: it was not */
};

/* A function that an interpreter runs; addresses of it are in stacks: see schema/codes.h. */
struct ct_code {
    uint32_t id; /* unique in its process */
    char *function;
    char *file;
    uint32_t first_line;
};

/* Copies what it is given, as UTF-8. */
struct ct_code *ct_code_new(uint32_t id, const char *function, const char *file,
                            uint32_t first_line);

/* Of all calls of one operation, recorded or not; one that is open at the end counts up to it. */
struct ct_op_counters {
    uint64_t calls;
    uint64_t total_ns;
    uint64_t histogram[CT_HISTOGRAM_BUCKETS];
};

struct ct_process;

/* A thread held one lock while it began to wait for another: of all such waits, one. */
struct ct_lock_order {
    uint64_t held;
    enum ct_op held_op; /* by which one gets it */
    uint64_t object;
    enum ct_op op;
    uint32_t stack_id; /* of the wait */
    int32_t tid;       /* whose it was */
    uint64_t time_ns;
};

/* Of one process; those that come later are not kept. */
#define CT_LOCK_ORDERS_MAX 4096

/* What the kernel layer knows of a thread beyond its classes. */
struct ct_thread_sched {
    gboolean is_known; /* the layer saw it */
    gboolean has_priority;
    int32_t
        priority; /* the last one, as the kernel numbers them: less comes first; 120 is nice 0 */
    uint64_t running_ns; /* of its life, as the scheduler saw it */
    uint64_t runnable_ns;
    uint64_t blocked_ns;
    uint64_t unknown_ns;
    uint64_t outside_ns; /* blocked, but in no wait */
    uint64_t switches;   /* onto a CPU */
    uint64_t migrations; /* onto another one than before */
    uint64_t preemptions;
    uint64_t longest_queued_ns;   /* the longest time in the run queue */
    struct ct_op_counters queued; /* all such times */
};

struct ct_thread {
    struct ct_process *process; /* borrowed */
    guint number;               /* its place among all threads */
    int32_t tid;
    char *name;          /* owned; never NULL: the process's name until it has its own */
    uint64_t entry;      /* address of the start routine; 0 for the first thread */
    int32_t creator_tid; /* in its process; of the first thread, in the parent; 0: unknown */
    uint64_t start_ns;
    uint64_t end_ns; /* exit, or where the trace ends */
    gboolean has_exited;
    gboolean has_totals;               /* class_ns was given by the trace */
    uint64_t class_ns[CT_CLASS_COUNT]; /* exact; without kernel layer, RUNNING is all the rest */
    uint64_t interval_count;           /* wait events seen */
    struct ct_thread_sched sched;
};

/* One process image: fork and exec each begin a new one. */
struct ct_process {
    int32_t pid;
    int32_t ppid;
    uint64_t start_ns; /* identifies the image together with pid */
    uint64_t end_ns;
    char *name;  /* owned; base name of the first of args, else of exe */
    char *exe;   /* owned */
    char *args;  /* owned; as typed into a shell */
    char *title; /* owned; what it called itself last in their place; "": nothing else */
    char *cwd;   /* owned */
    uint64_t rate_ns;
    int32_t exit_status;     /* -1: unknown, killed or still running */
    gboolean is_unpreloaded; /* no preload was in it: only the kernel layer tells of it */
    GHashTable *threads;  /* owned; tid -> struct ct_thread *, borrowed: the newest of that tid */
    GHashTable *stacks;   /* owned; id -> struct ct_stack *, the first of that id */
    GHashTable *codes;    /* owned; id -> struct ct_code *, the first of that id */
    GPtrArray *modules;   /* owned; struct ct_module *, by begin */
    GHashTable *fds;      /* owned; fd -> struct ct_fd *, what the number meant last */
    GHashTable *counters; /* owned; enum ct_op -> struct ct_op_counters *, over its threads */
    GHashTable *lock_orders; /* owned; struct ct_lock_order *, owned, as a set */
    struct ct_heap *heap;    /* owned; NULL: it was not recorded */
};

struct ct_fd {
    int32_t fd;
    enum ct_fd_kind kind;
    char *local;             /* owned; a socket's own address, or a path */
    char *peer;              /* owned; a socket's other end, or "" */
    uint8_t watched_classes; /* of an epoll descriptor that the kernel tells of: bits 1 << class */
};

void ct_fd_free(void *fd);

/* What was recorded and what was not. */
struct ct_capture {
    gboolean is_complete; /* the trace ends with its capture event */
    char *ctrace_version; /* owned, as are the next three */
    char *command;
    char *layers;
    char *missing; /* see capture_notes.h */
    uint64_t rate_ns;
    int32_t exit_status;
    uint64_t waits_recorded; /* as the program counted them; 0: it did not */
    uint64_t waits_lost;     /* recorded, but not in the trace, for whatever reason */
    uint64_t events_lost; /* discarded by the tracer for lack of buffer space, beside such waits */
    uint64_t packets_lost;
    gboolean has_kernel;         /* there are events of the kernel layer */
    uint64_t switches_missed;    /* by the kernel: they must have been */
    uint64_t kernel_stacks;      /* distinct ones that the kernel took, by frame pointers */
    uint64_t kernel_events_lost; /* of any program, where the whole machine was recorded */
    uint64_t samples;            /* of what runs; 0: none were taken */
    uint64_t samples_partial;    /* of those: their stacks lack callers */
    uint64_t samples_lost;       /* beside those */
    uint64_t samples_unknown;    /* of those: of processes that ctrace knows nothing of */
    uint64_t sample_period_ns;   /* the CPU time from one to the next */
    uint64_t stacks_lost;
    uint64_t threads_lost;
    uint64_t modules_lost;
    uint64_t held_up_ns; /* threads waited for room in the recording, over all: record --lossless */
    uint64_t unseen_images;   /* of the program's tree: they did not load the library */
    char *unseen_names;       /* owned; which they were, and why; "" if there are none */
    gboolean unseen_recorded; /* but the kernel told of their waits */
    uint64_t foreign_images;  /* left out, since they say that they have another format */
    char *foreign_names;      /* owned; which they were; "" if there are none */
    uint32_t foreign_version; /* of the first of them */
    gboolean is_restated;     /* it begins with a part that says again what there is */
    uint64_t dropped_ns;      /* the recording had begun so long before: record --keep=newest */
    uint64_t dropped_bytes;   /* what of it is gone */
    uint64_t unknown_events;  /* of our provider, but not in our schema */
    uint64_t event_count;     /* all events read */
    uint64_t records_dropped; /* processes, threads, stacks ... beyond the analyzer's limits */
    char *damage; /* owned; what could not be read of the trace and why, NULL if all was */
};

struct ct_model {
    char *directory;   /* owned; where the recording is, or NULL */
    uint64_t begin_ns; /* of the recording; the first event if it is not complete */
    uint64_t end_ns;
    int64_t epoch_offset_ns;
    struct ct_capture capture;
    /* Those that were there while it was recorded; their structs are borrowed. */
    GPtrArray *processes;        /* struct ct_process *, by start then pid */
    GPtrArray *threads;          /* struct ct_thread *, by process, then start, then tid */
    GPtrArray *all_processes;    /* owned, with its structs: those above and earlier ones */
    GPtrArray *all_threads;      /* the same */
    struct ct_wait_facts *facts; /* owned; of all its waits */
    GStringChunk *names; /* owned; of other tasks and system calls, to which intervals refer */
    struct ct_activity *activity; /* borrowed; of who reads the recording, or NULL */
};

struct ct_model *ct_model_new(void);
void ct_model_free(struct ct_model *model);
typedef struct ct_model ct_model; /* for g_autoptr(ct_model) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_model, ct_model_free)

/* What it called itself last, else its arguments, else its name. Borrowed. */
const char *ct_process_title(const struct ct_process *process);

/* Unless it is there already: by locks, operations and stack. */
void ct_process_add_lock_order(struct ct_process *process, const struct ct_lock_order *lock_order);
/* struct ct_lock_order *, by when they were. The caller owns the list, and the process what is in
 * it.
 */
GPtrArray *ct_process_lock_orders(const struct ct_process *process);

/* For ingest. The thread or process belongs to the model; `size` lets the caller embed it as the
 * first member of a larger struct. */
struct ct_process *ct_model_add_process(struct ct_model *model, int32_t pid, uint64_t start_ns,
                                        size_t size);
struct ct_thread *ct_model_add_thread(struct ct_model *model, struct ct_process *process,
                                      int32_t tid, uint64_t start_ns, size_t size);
void ct_model_sort(struct ct_model *model);
/* Those that were over before the recording began are not listed any more. Before the sorting. */
void ct_model_drop_early(struct ct_model *model);
/* But what is told of in what is left of a recording (record --keep=newest) is part of it. */
gboolean ct_model_keeps_early(const struct ct_model *model, const struct ct_process *process);

/* The sum, or UINT64_MAX where it does not fit. */
static inline uint64_t ct_add_u64(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* The stack with this id, or NULL: id 0, or lost. Complete once the whole trace was read. */
const struct ct_stack *ct_process_stack(const struct ct_process *process, uint32_t id);

/* NULL where it was never called. */
const struct ct_op_counters *ct_process_counters(const struct ct_process *process, enum ct_op op);

/* Adds `more` to `counters`. */
void ct_op_counters_add(struct ct_op_counters *counters, const struct ct_op_counters *more);

/* Takes off what `counters` had before, of each count no more than there is. */
void ct_op_counters_subtract(struct ct_op_counters *counters, const struct ct_op_counters *before);

/* Adds one call. */
void ct_op_counters_count(struct ct_op_counters *counters, uint64_t duration_ns);

/* How long calls took of which `share` took no longer: an estimate, good to the width of a bucket.
 * 0 if there are no calls. */
uint64_t ct_op_counters_quantile_ns(const struct ct_op_counters *counters, double share);
/* The same of the times in the run queue; no more than the longest, which buckets may reach beyond.
 */
uint64_t ct_sched_queued_quantile_ns(const struct ct_thread_sched *sched, double share);

/* Were frames left out before the address of that index, or, if it is their count, at the end? */
gboolean ct_stack_has_gap_before(const struct ct_stack *stack, uint32_t index);

/* The module that maps `address` at that time, or NULL. */
const struct ct_module *ct_process_module(const struct ct_process *process, uint64_t address,
                                          uint64_t time_ns);

/* The program itself: it bears its name, or is mapped first. NULL: nothing is mapped. */
const struct ct_module *ct_process_program(const struct ct_process *process);

/* When the stack of that id was taken; at the end, if there is none. */
uint64_t ct_process_stack_time(const struct ct_process *process, uint32_t id);

const char *ct_op_name(enum ct_op op);             /* "pthread_mutex_lock" */
const char *ct_fd_kind_name(enum ct_fd_kind kind); /* "inet socket" */
const char *ct_class_name(enum ct_class class);    /* "sync" */
extern const enum ct_object ct_op_objects[CT_OP_COUNT];
static inline enum ct_object ct_op_object(enum ct_op op)
{
    return (size_t)op < CT_OP_COUNT ? ct_op_objects[op] : CT_OBJECT_NONE;
}
enum ct_class ct_op_class(enum ct_op op);             /* UNKNOWN: its descriptors decide */
enum ct_class ct_fd_kind_class(enum ct_fd_kind kind); /* of a wait on such a one */
const char *ct_object_name(enum ct_object object);

/* Objects of this kind are variables of the program, known by their address. */
gboolean ct_object_is_address(enum ct_object object);
/* Threads hold it by its kind: a mutex, read-write lock or spin lock. */
gboolean ct_object_is_lock(enum ct_object object);
/* TRUE and the class, or FALSE if there is no class of that name. */
gboolean ct_class_from_name(const char *name, enum ct_class *class);

#endif
