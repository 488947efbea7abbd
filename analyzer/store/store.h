/*
 * A recording that was read once: its model, and per thread, CPU and object what happened, to be
 * asked for as often as one likes, each question at the cost of its answer. See builder.h.
 *
 * The file is as little trusted as a trace is: whatever is wrong with it is an error, of the domain
 * CT_STORE_ERROR, and then the recording is to be read anew.
 */
#ifndef CTRACE_STORE_H
#define CTRACE_STORE_H

#include "model/selection.h"
#include "model/sink.h"
#include "model/timeline.h"
#include "store/format.h"

#define CT_STORE_ERROR ct_store_error_quark()
GQuark ct_store_error_quark(void);

enum ct_store_error {
    CT_STORE_ERROR_OTHER,  /* it was made of something else, or by another ctrace */
    CT_STORE_ERROR_DAMAGED /* it is not what was written */
};

struct ct_store;

/*
 * Fills a new model, whose directory is set; both the model and the descriptor are borrowed and
 * must outlive the store. `key` NULL: of whatever it was made.
 */
struct ct_store *ct_store_open(int fd, const uint8_t key[CT_STORE_KEY_SIZE], struct ct_model *model,
                               GError **error);
void ct_store_free(struct ct_store *store);
typedef struct ct_store ct_store; /* for g_autoptr(ct_store) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_store, ct_store_free)

/* For who asks, and takes long for what it was told: it got on. */
void ct_store_step(const struct ct_store *store);

/* Intervals, runs, samples and turns. */
uint64_t ct_store_record_count(const struct ct_store *store);

/* ---- All that happened, as if it was read ---- */

struct ct_store_scope {
    const struct ct_window *window;          /* what touches it; NULL: everything */
    const struct ct_selection *selection;    /* of these threads; NULL: of all */
    const struct ct_interval_filter *filter; /* of these intervals; NULL: of all */
};

/* Is the interval asked for? */
static inline gboolean ct_store_lets(const struct ct_store_scope *scope,
                                     const struct ct_interval *interval)
{
    return !scope->filter || scope->filter->lets(scope->filter->user, interval);
}

/* Hands on what lies in the scope, in the order in which it came when the trace was read. */
gboolean ct_store_replay(struct ct_store *store, const struct ct_store_scope *scope,
                         const struct ct_sink *sink, GError **error);

/* ---- One lane ---- */

/* Which interval, of all. */
struct ct_store_id {
    struct ct_thread *thread; /* borrowed */
    uint64_t begin_ns;
    uint64_t sequence; /* of those that begin at once; over all threads, the order they came in */
};

struct ct_store_cursor;

/* What touches the window, by where it begins. A cursor borrows the store. */
struct ct_store_cursor *ct_store_intervals(struct ct_store *store, const struct ct_thread *thread,
                                           const struct ct_window *window);
struct ct_store_cursor *ct_store_runs(struct ct_store *store, const struct ct_thread *thread,
                                      const struct ct_window *window);
struct ct_store_cursor *ct_store_samples(struct ct_store *store, const struct ct_thread *thread,
                                         const struct ct_window *window);
/* Who ran on a CPU. */
struct ct_store_cursor *ct_store_cpu_runs(struct ct_store *store, uint32_t cpu,
                                          const struct ct_window *window);
/* Whom a thread let go on: the wakes that ended other threads' intervals. */
struct ct_store_cursor *ct_store_wakes(struct ct_store *store, const struct ct_thread *thread,
                                       const struct ct_window *window);

/* The turns of connections that a thread ended. */
struct ct_store_cursor *ct_store_turns(struct ct_store *store, const struct ct_thread *thread,
                                       const struct ct_window *window);

/* A lock, descriptor or other thing that was waited for. */
struct ct_store_object {
    struct ct_process *process; /* borrowed */
    enum ct_object kind;
    uint64_t id; /* its address or number */
};

/* Up to 65,536 of them: of those that came later, nothing is told by object. */
guint ct_store_object_count(const struct ct_store *store);
const struct ct_store_object *ct_store_object(const struct ct_store *store, guint index);
/* Who waited for it. */
struct ct_store_cursor *ct_store_object_waits(struct ct_store *store, guint index,
                                              const struct ct_window *window);
/* The CPUs on which threads ran, by number: uint32_t. Borrowed. */
const GArray *ct_store_cpus(const struct ct_store *store);

/*
 * What is told of each: intervals have theirs, in `interval`, which is there until the next is
 * asked for, as turns have in `turn`; of a wake or of a wait for an object, `id` is the interval,
 * and the times are when it was woken or when it was.
 */
struct ct_store_event {
    uint64_t begin_ns;
    uint64_t end_ns;
    struct ct_store_id id;
    struct ct_interval interval;
    struct ct_run run;
    struct ct_sample sample;
    struct ct_turn turn;
};

/* The last of a thread's intervals, or of an object's waits, that begins before that time: those
 * that begin at once are one as good as another. FALSE: there is none, or with an error. */
gboolean ct_store_interval_before(struct ct_store *store, struct ct_thread *thread,
                                  uint64_t time_ns, struct ct_store_id *id, GError **error);
gboolean ct_store_object_wait_before(struct ct_store *store, guint index, uint64_t time_ns,
                                     struct ct_store_id *id, GError **error);

/* FALSE: there is no more, or with an error. */
gboolean ct_store_cursor_next(struct ct_store_cursor *cursor, struct ct_store_event *event,
                              GError **error);
void ct_store_cursor_free(struct ct_store_cursor *cursor);
typedef struct ct_store_cursor ct_store_cursor; /* for g_autoptr(ct_store_cursor) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_store_cursor, ct_store_cursor_free)

/* ---- The lanes of several threads as one ---- */

enum ct_store_kind {
    CT_STORE_INTERVALS,
    CT_STORE_RUNS,
    CT_STORE_SAMPLES,
    CT_STORE_WAKES,
    CT_STORE_TURNS,
    CT_STORE_KIND_COUNT
};

struct ct_store_merge;

/*
 * What touches the window of the threads with numbers from `first` to `last`: by where it begins,
 * then by thread; or, where not `is_by_begin`, thread by thread, which has one of them open at a
 * time. Else those are open that have begun by then. A merge borrows the store.
 */
struct ct_store_merge *ct_store_merge_new(struct ct_store *store, enum ct_store_kind kind,
                                          guint first, guint last, const struct ct_window *window,
                                          gboolean is_by_begin);
/* As ct_store_cursor_next(), but that intervals have no releases; `thread` is whose lane it is. */
gboolean ct_store_merge_next(struct ct_store_merge *merge, struct ct_store_event *event,
                             struct ct_thread **thread, GError **error);
void ct_store_merge_free(struct ct_store_merge *merge);
typedef struct ct_store_merge ct_store_merge; /* for g_autoptr(ct_store_merge) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_store_merge, ct_store_merge_free)

/* ---- Questions ---- */

/* Of what lies inside a window, to the nanosecond; sampled waits are told apart. */
struct ct_store_sum {
    uint64_t count; /* of those that touch it */
    uint64_t class_ns[CT_CLASS_COUNT];
    uint64_t unseen_ns[CT_CLASS_COUNT]; /* what sampled ones stand for beside that */
};

/* By state. At a cost that does not grow with the window. */
gboolean ct_store_sum(struct ct_store *store, const struct ct_thread *thread,
                      const struct ct_window *window, struct ct_store_sum *sum, GError **error);

enum ct_store_group { CT_STORE_BY_OP, CT_STORE_BY_OBJECT, CT_STORE_BY_STACK };

/* Of intervals that have the same: only what they are grouped by is set, beside the process. */
struct ct_store_group_sum {
    const struct ct_process *process; /* borrowed; NULL by operation */
    enum ct_op op;
    enum ct_object object_kind;
    uint64_t object;
    uint32_t stack_id;
    uint64_t count;
    uint64_t ns;
    uint64_t unseen_ns;
};

/* struct ct_store_group_sum, the most time first. NULL: an error. The caller owns it. */
GArray *ct_store_sum_by(struct ct_store *store, enum ct_store_group group,
                        const struct ct_store_scope *scope, GError **error);

/* An interval, and how much of it lies in the window asked for. */
struct ct_store_long {
    struct ct_store_id id;
    uint64_t end_ns;
    uint64_t inside_ns;
};

/* struct ct_store_long: those with the most time in the window, the longest first, then by thread
 * and begin. NULL: an error. The caller owns it. */
GArray *ct_store_longest(struct ct_store *store, const struct ct_store_scope *scope, guint count,
                         GError **error);

/* The interval that the id says, as a cursor on it. NULL: there is none, or with an error. */
struct ct_store_cursor *ct_store_find(struct ct_store *store, const struct ct_store_id *id,
                                      struct ct_store_event *event, GError **error);

/* Sets the releases of an interval that a store gave, once more: they are there until it gives an
 * interval again. FALSE: an error. */
gboolean ct_store_load_releases(struct ct_store *store, struct ct_interval *interval,
                                GError **error);

/* What a thread did at some moment. */
struct ct_store_state {
    struct ct_thread *thread; /* borrowed */
    enum ct_class class;      /* RUNNING: in no interval */
    struct ct_store_id id;    /* of the interval; without thread: in none */
};

/* struct ct_store_state of those alive then, in the model's order. NULL: an error. The caller owns
 * it. */
GArray *ct_store_states(struct ct_store *store, uint64_t time_ns, GError **error);

#endif
