/* What the assembler knows beyond the model; shared by its own parts only. */
#ifndef CTRACE_ASSEMBLE_STATE_H
#define CTRACE_ASSEMBLE_STATE_H

#include "assemble/assemble.h"
#include "assemble/nesting.h"
#include "assemble/tasks.h"
#include "assemble/wakes.h"

/* More than any program has, and few enough to fit in memory. */
#define CT_MAX_PROCESSES (1U << 18)
#define CT_MAX_THREADS   (1U << 20)
#define CT_MAX_STACKS    (1U << 22) /* these three over all processes */
#define CT_MAX_MODULES   (1U << 18)
#define CT_MAX_FDS       (1U << 20)

/* Those that a number does not mean any more, and that are kept all the same. */
#define CT_MAX_RETIRED_FDS 4096

struct ct_image {
    struct ct_process process; /* first: the model frees it */
    gboolean is_implicit;      /* no process_start was seen; a closing event may adopt it */
    gboolean has_exec;         /* an exec event came: the next image of the pid ends this one */
    uint64_t exec_ns;          /* then: when */
    gboolean is_replaced;      /* the kernel told of an exec: its tasks make another one's calls */
    gboolean has_ended;
    guint live_threads;          /* of a hidden one */
    GHashTable *kernel_stacks;   /* owned; the struct ct_stack * that the kernel took, or NULL */
    uint32_t kernel_stack_count; /* of all that ever were in it */
};

/* The system call that a thread makes, or made last, as the kernel tells. */
struct ct_made_call {
    struct ct_kernel_syscall made; /* without name: none yet */
    uint64_t begin_ns;
    gboolean is_made;     /* now */
    gboolean has_blocked; /* in it the thread has left its CPU of its own accord */
    uint32_t stack_id;    /* from where; 0: not known (yet) */
    /* It was on a CPU while calls made there were lost: it may have left this one, or entered one.
     */
    gboolean is_doubtful;
    uint64_t doubtful_ns; /* then: since when what it was in is not known for sure */
};

struct ct_thread_state {
    struct ct_thread thread; /* first: the model frees it */
    gboolean has_name;
    gboolean has_start;                  /* a thread_start was seen */
    uint64_t last_ns;                    /* the last live event */
    uint64_t last_end_ns;                /* of its intervals */
    double estimated_ns[CT_CLASS_COUNT]; /* from the intervals and their weights */
    struct ct_nesting nesting;           /* what it waited for of late */
    uint64_t nested_ns[CT_CLASS_COUNT];  /* of waits, that waits inside them took */

    /* What the kernel says of it. */
    struct ct_task *task;       /* borrowed; NULL: nothing (yet) */
    uint64_t task_begin_ns;     /* from here on */
    struct ct_task_times begin; /* its task's times then */
    struct ct_task_times end;   /* and at the thread's end, once has_end_times */
    gboolean has_end_times;
    uint64_t last_seen_ns;                        /* then: when that was */
    uint64_t recorded_ns[CT_CLASS_COUNT];         /* of waits that were recorded, each once */
    struct ct_task_times covered[CT_CLASS_COUNT]; /* what it did meanwhile */
    struct ct_made_call call;
    GArray *unseen;      /* owned; struct ct_interval, see ct_unseen_hold(); or NULL */
    struct ct_span seen; /* the preload's last wait */
};

#define CT_THREAD_SLOTS 256

struct ct_assembler {
    struct ct_model *model;        /* borrowed */
    GHashTable *current;           /* owned; pid -> newest struct ct_image * */
    GHashTable *images;            /* owned; struct ct_image * by pid and start -> itself */
    struct ct_wakes *wakes;        /* owned */
    struct ct_tasks *tasks;        /* owned */
    GHashTable *foreign_pids;      /* owned; the newest image of it is left out */
    GHashTable *foreign_images;    /* owned; struct ct_process *, owned, by pid and start */
    GHashTable *hidden_threads;    /* owned; tid -> struct ct_thread_state * of a hidden image */
    gboolean has_syscalls;         /* the kernel tells of system calls */
    uint64_t calls_lossy_until_ns; /* up to then, those made on this CPU are lost */
    uint32_t calls_lossy_cpu;      /* CT_ANY_CPU: on more than one */
    GQueue held_samples;           /* owned; those whose thread is not known yet */
    const struct ct_sink *sinks;   /* borrowed */
    size_t sink_count;
    uint64_t now_ns;     /* of the event at hand */
    gboolean is_settled; /* when each thread began and ended is known */
    gboolean has_extent; /* a capture event said when the recording began and ended */
    uint64_t first_ns;   /* of what happened; UINT64_MAX until something has */
    uint64_t last_ns;
    uint64_t last_wait_end_ns; /* over all threads */
    GPtrArray *retired_fds;    /* owned; struct ct_fd *, which held intervals may point to */
    uint64_t wait_count;       /* wait events in the trace */
    uint64_t ring_events_lost; /* waits and others, as the recorder counted them */
    guint unseen_names;        /* events of images that did not load the library */
    gboolean has_rate;
    uint64_t rate_ns; /* of the recording, if has_rate */
    uint64_t (*find_rate)(void *user);
    void *find_rate_user; /* borrowed */
    guint stack_count;
    guint module_count;
    guint fd_count;    /* that mean something now */
    guint fds_refused; /* since room was last made for them */
    struct {
        int32_t pid;
        int32_t tid;
        struct ct_thread_state *thread; /* borrowed; NULL: empty */
    } slots[CT_THREAD_SLOTS];
};

static inline struct ct_thread_state *ct_thread_state(struct ct_thread *thread)
{
    return (struct ct_thread_state *)thread;
}

/* NULL beyond the limits, which is counted. */
struct ct_image *ct_assembler_image(struct ct_assembler *assembler, int32_t pid, uint64_t start_ns,
                                    gboolean is_implicit);
struct ct_thread_state *ct_assembler_thread(struct ct_assembler *assembler, struct ct_image *image,
                                            int32_t tid, uint64_t start_ns);
/* The live thread that wrote it. One not seen before started at `start_ns` or earlier. */
struct ct_thread_state *ct_assembler_live_thread(struct ct_assembler *assembler,
                                                 const struct ct_record *record, uint64_t start_ns);
/* The image of another format, that `pid` has from now on, is left out, and counted. */
void ct_assembler_skip_image(struct ct_assembler *assembler, int32_t pid,
                             const struct ct_event_process_start *start);
/* The pid's thread ids mean other threads from now on. */
void ct_assembler_forget_slots(struct ct_assembler *assembler, int32_t pid);
/* A set of struct ct_image *, by pid and start. */
GHashTable *ct_images_new(GDestroyNotify destroy);

/* How many waits one of this duration, which was sampled, stands for. */
double ct_sampled_weight(uint64_t duration_ns, uint64_t rate_ns);
void ct_image_set_rate(struct ct_assembler *assembler, struct ct_image *image, uint64_t rate_ns);
/* All but the interval's thread, whole wait and descriptor must be set. */
void ct_assembler_interval(struct ct_assembler *assembler, uint64_t now_ns,
                           struct ct_thread_state *thread, struct ct_interval *interval);

/* ---- The kernel layer ---- */

void ct_kernel_init(struct ct_assembler *assembler);
/* FALSE: too much to hold. */
void ct_kernel_add(struct ct_assembler *assembler, const struct ct_record *record);
/* When the last of its tasks ended; UINT64_MAX if that was not told. */
uint64_t ct_kernel_image_end_ns(const struct ct_image *image);
/* The thread that runs as the task of its id from `begin_ns` on, if that is known. */
void ct_kernel_bind(struct ct_assembler *assembler, struct ct_thread_state *thread,
                    uint64_t begin_ns);
/* Another image is about to take its place: what its task did until then was its own. */
void ct_kernel_replace(struct ct_assembler *assembler, struct ct_image *image);
/* The thread has ended. */
void ct_kernel_end_thread(struct ct_thread_state *thread);
/* Clocks differ by some microseconds: moves the wait so that its thread still runs as it begins. */
void ct_kernel_align(struct ct_assembler *assembler, struct ct_thread_state *thread,
                     struct ct_interval *interval);
/* A wait's event was written: its thread ran again when it ended. */
void ct_kernel_see(struct ct_assembler *assembler, struct ct_thread_state *thread,
                   const struct ct_interval *interval);
/* Hands on one part of a wait, by what the thread did meanwhile. FALSE: it is not known. */
gboolean ct_kernel_add_part(struct ct_assembler *assembler, struct ct_thread_state *thread,
                            struct ct_interval *interval);
/* Nobody knows what the thread was blocked for meanwhile. */
void ct_kernel_add_unknown(struct ct_assembler *assembler, struct ct_thread_state *thread,
                           uint64_t begin_ns, uint64_t end_ns);
/* Once every thread's life is settled, before the last intervals are handed on. */
void ct_kernel_finish(struct ct_assembler *assembler);
/* FALSE: nothing is known of the thread, whose end is settled. Its classes' times are as its waits
 * say, and become what the kernel says. */
gboolean ct_kernel_settle(const struct ct_assembler *assembler, struct ct_thread_state *thread);

/* ---- Processes without preload, and system calls ---- */

/* After the tasks know of the record. */
void ct_hidden_add(struct ct_assembler *assembler, const struct ct_kernel_record *record);
void ct_syscalls_add(struct ct_assembler *assembler, const struct ct_kernel_record *record);
/* Once the tasks know of it: a call's end may be lost. */
void ct_syscalls_lose(struct ct_assembler *assembler, const struct ct_kernel_loss *loss);
/* Calls that go on at the end; once every thread's life is settled. */
void ct_syscalls_finish(struct ct_assembler *assembler);

/* A wait that the kernel tells of, and the preload perhaps too. */
void ct_unseen_hold(struct ct_assembler *assembler, struct ct_thread_state *thread,
                    const struct ct_interval *interval);
/* The preload tells of none that ended by then. */
void ct_unseen_release(struct ct_assembler *assembler, struct ct_thread_state *thread,
                       uint64_t time_ns);
/* The preload tells of that time. */
void ct_unseen_drop(struct ct_thread_state *thread, uint64_t begin_ns, uint64_t end_ns);

/* The number means this from now on. `fd` is copied. */
void ct_assembler_set_fd(struct ct_assembler *assembler, struct ct_process *process,
                         const struct ct_fd *fd);
void ct_assembler_close_fd(struct ct_assembler *assembler, struct ct_process *process, int32_t fd);
/* Copied. FALSE: there is no room. */
gboolean ct_assembler_add_module(struct ct_assembler *assembler, struct ct_image *image,
                                 const struct ct_module *module);
/* One of the preload's, with its id; copied. What has no such id, finds no room, or comes once more
 * is dropped: the first stays. */
void ct_assembler_add_stack(struct ct_assembler *assembler, struct ct_image *image,
                            const struct ct_stack *stack, const uint64_t *addresses);
/* Of a call that nobody else counts. */
void ct_assembler_count_call(struct ct_process *process, enum ct_op op, uint64_t duration_ns);

/* ---- CPU samples ---- */

void ct_samples_init(struct ct_assembler *assembler);
void ct_samples_clear(struct ct_assembler *assembler);
void ct_samples_add(struct ct_assembler *assembler, const struct ct_kernel_record *record);
/* Once all processes and threads are known. */
void ct_samples_finish(struct ct_assembler *assembler);

/* The id of this one among the image's stacks, as `id`, which is not looked at, says in others. 0:
 * it has no addresses, or there is no room. */
uint32_t ct_assembler_intern_stack(struct ct_assembler *assembler, struct ct_image *image,
                                   const struct ct_stack *stack, const uint64_t *addresses);
/* Other code may be where some was: the same addresses are another stack from now on. */
void ct_image_forget_stacks(struct ct_image *image);

/* Replaces an owned string. */
void ct_assign_string(char **owned, const char *value);
void ct_image_describe(struct ct_image *image, const char *exe, const char *args, const char *cwd);
/* The same at its end, when it may call itself something else. */
void ct_image_describe_end(struct ct_image *image, const char *exe, const char *args,
                           const char *cwd);
gboolean ct_is_known_version(uint32_t version);

/* An event that the recorder wrote when the trace was cut. */
gboolean ct_assembler_add_closing(struct ct_assembler *assembler, const struct ct_record *record,
                                  GError **error);

#endif
