/*
 * What one task did: the times that it spent running, in the run queue, or off the CPU. The last
 * few hundred are kept each, and those before which no wait has taken yet, since a wait is only
 * known once it is over; of others, sums only.
 */
#ifndef CTRACE_ASSEMBLE_TASK_H
#define CTRACE_ASSEMBLE_TASK_H

#include "model/model.h"

enum ct_task_state {
    CT_TASK_UNKNOWN, /* nothing is known yet, or events were lost */
    CT_TASK_RUNNING,
    CT_TASK_RUNNABLE,
    CT_TASK_BLOCKED,
    CT_TASK_BRIEF, /* blocked, for less than a wait must last to be recorded for sure */
    CT_TASK_STATE_COUNT
};

/* Time spent in each state. */
struct ct_task_times {
    uint64_t ns[CT_TASK_STATE_COUNT];
};

struct ct_task;

/* A time in one state. */
struct ct_task_span {
    uint64_t begin_ns;
    enum ct_task_state state;
    uint32_t cpu;                /* RUNNING: where */
    gboolean is_taken;           /* it was handed on, or somebody has counted it */
    uint64_t taken_ns;           /* only up to then, by a wait; 0: the whole of it */
    gboolean is_preempted;       /* RUNNABLE: it could have gone on; else it was woken */
    const struct ct_task *waker; /* RUNNABLE: borrowed; who woke it, or NULL: nobody known */
    uint32_t waker_stack_id;     /* RUNNABLE: where that was in its code; 0: not known */
    const char *preempted_by;    /* RUNNABLE and preempted: borrowed; who got its CPU, or NULL */
    struct ct_task_times before; /* the sums of all spans before it, kept or not */
};

struct ct_task {
    int32_t tid;
    gboolean has_ended;
    gboolean is_own;            /* the program's: all its switches should be there */
    gboolean is_throttled;      /* it leaves its CPU now, for there is none that it may have */
    struct ct_thread *thread;   /* borrowed; the newest with this id, or NULL: not seen (yet) */
    struct ct_task_span *spans; /* owned; a ring of the last ones */
    uint32_t first;             /* position of the oldest */
    uint32_t count;
    uint32_t capacity;
    uint32_t flushed;       /* of the oldest: their runs are handed on */
    uint64_t handed_on_ns;  /* up to then, they were forgotten and handed on: in no wait */
    uint64_t *spans_of_all; /* borrowed; so many spans there is room for, in all tasks */
    uint64_t untold_ns;     /* up to then, spans went to nobody: there was no thread */
    /* Up to where sums were asked for: what lies before, and after, the oldest span is estimated.
     */
    uint64_t known_ns;
    struct ct_task_times known;
    uint64_t present_ns; /* it was there then, when the recording began; 0: that is not known */
    /* Of its first event: it was in `first_state` until then. 0: it was made then. */
    uint64_t first_ns;
    enum ct_task_state first_state;
    uint64_t woken_ns;           /* while it still ran: it did not stay off the CPU */
    const struct ct_task *waker; /* then; borrowed */
    uint32_t waker_stack_id;     /* then */
    int32_t last_cpu;            /* where it ran last; -1: nowhere yet */
    uint64_t off_cpu_until_ns;   /* it is, at least, whatever is lost; 0: that was not told */
};

/* Of threads only. They come late, when a span is asked for by ct_task_flush...() or forgotten. */
struct ct_task_events {
    void *user;
    /* A time on a CPU. */
    void (*on_run)(void *user, struct ct_task *task, const struct ct_task_span *span,
                   uint64_t end_ns);
    /* A time in any other state but BRIEF, that no wait has taken. */
    void (*on_rest)(void *user, struct ct_task *task, const struct ct_task_span *span,
                    uint64_t end_ns);
};

void ct_task_free(void *task);

/* The time since it was first seen, up to `time_ns`, which is not after the last event. */
void ct_task_times_at(const struct ct_task *task, uint64_t time_ns, struct ct_task_times *times);

/* Tells that earlier times will not be asked for, and stay as they are. */
void ct_task_settle(struct ct_task *task, uint64_t time_ns);

/* The span at `time_ns`: 0 is the oldest that is kept. FALSE if it is older still. */
gboolean ct_task_find_span(const struct ct_task *task, uint64_t time_ns, uint32_t *index);
struct ct_task_span *ct_task_span(const struct ct_task *task, uint32_t index);
/* Where it ends; UINT64_MAX for the last. */
uint64_t ct_task_span_end_ns(const struct ct_task *task, uint32_t index);

/* When it ended; UINT64_MAX: it has not, as far as was told. */
uint64_t ct_task_end_ns(const struct ct_task *task);

/* The last of its spans, of which there is one. */
struct ct_task_span *ct_task_last_span(const struct ct_task *task);
/* In the run queue since then, as it was woken while it still ran. */
struct ct_task_span ct_task_woken_span(const struct ct_task *task, uint64_t begin_ns);
/* Where in its code that was which woke the task then: that it did so was told before. */
void ct_task_set_waker_stack(struct ct_task *task, uint64_t time_ns, uint32_t stack_id);
/* UNKNOWN while there is none. */
enum ct_task_state ct_task_state(const struct ct_task *task);

/* `task` may be NULL. */
void ct_task_set_priority(const struct ct_task *task, int32_t priority);

/* The last span ends, and this one begins, not before what is settled; blocked for less than
 * `brief_ns`, it was brief. The oldest span may be forgotten for it. */
void ct_task_begin_span(struct ct_task *task, const struct ct_task_events *events,
                        struct ct_task_span span, uint64_t brief_ns);
/* Hands on the span of that index, if nobody has taken it. */
void ct_task_hand_on(struct ct_task *task, const struct ct_task_events *events, uint32_t index);
/* Those of its spans in which it ran, and which end by then. */
void ct_task_hand_on_runs(struct ct_task *task, const struct ct_task_events *events,
                          uint64_t time_ns);

#endif
