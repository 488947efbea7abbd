/*
 * Which of the kernel's tasks each thread is, and from when on: what a task did is its thread's.
 * What it did outside of all waits is handed on from here.
 */
#ifndef CTRACE_ASSEMBLE_BINDING_H
#define CTRACE_ASSEMBLE_BINDING_H

#include "assemble/image.h"
#include "assemble/output.h"
#include "assemble/tasks.h"
#include "source/record.h"

struct ct_thread_state;

struct ct_thread_binding {
    struct ct_task *task;       /* borrowed; NULL: nothing is known of it (yet) */
    uint64_t begin_ns;          /* from here on */
    struct ct_task_times begin; /* its task's times then */
    struct ct_task_times end;   /* and at the thread's end, once has_end_times */
    gboolean has_end_times;
    uint64_t last_seen_ns; /* then: when that was */
};

struct ct_binding;

/* Both are borrowed. */
struct ct_binding *ct_binding_new(struct ct_model *model, struct ct_output *output);
void ct_binding_free(struct ct_binding *binding);

/* FALSE: there are more tasks than fit. */
gboolean ct_binding_add(struct ct_binding *binding, const struct ct_kernel_record *record);
void ct_binding_lose(struct ct_binding *binding, const struct ct_kernel_loss *loss);
/* Waits of this length and more are recorded for sure. */
void ct_binding_set_rate(struct ct_binding *binding, uint64_t rate_ns);
/* The kernel tells of system calls, so that of no thread the waits are unknown. */
void ct_binding_expect_calls(struct ct_binding *binding);

/* The thread runs as the task of its id from `begin_ns` on, if that is known. */
void ct_binding_bind(struct ct_binding *binding, struct ct_thread_state *thread, uint64_t begin_ns);
/* Another image is about to take its place: what its task did until then was its own. */
void ct_binding_replace(struct ct_binding *binding, struct ct_image *image);
/* The thread has ended. */
void ct_binding_end_thread(struct ct_thread_state *thread);
/* It was running then, whatever is told of its task. */
void ct_binding_see_running(struct ct_binding *binding, const struct ct_thread_state *thread,
                            uint64_t time_ns);

/* Hands on the thread's times on a CPU that end by `time_ns`: no wait takes them. */
void ct_binding_flush_runs(struct ct_binding *binding, const struct ct_thread_state *thread,
                           uint64_t time_ns);

/* NULL: the thread has none (yet). */
struct ct_task *ct_binding_task(const struct ct_thread_state *thread);
/* From when on it has that. */
uint64_t ct_binding_begin_ns(const struct ct_thread_state *thread);
/* The thread that has this id now, as far as its task is known; or NULL. */
struct ct_thread_state *ct_binding_find(const struct ct_binding *binding, int32_t tid);
/* Whether the thread's task is on that CPU then, or may be; CT_ANY_CPU: on one. */
gboolean ct_binding_may_run_on(const struct ct_binding *binding,
                               const struct ct_thread_state *thread, uint32_t cpu,
                               uint64_t time_ns);
/* When the thread's task ended; UINT64_MAX if that was not told, or it went on as another's. */
uint64_t ct_binding_task_end_ns(const struct ct_thread_state *thread);
/* When the last of the image's tasks ended; UINT64_MAX if that was not told. */
uint64_t ct_binding_image_end_ns(const struct ct_image *image);
/* Blocked outside of all waits is other, where all of them are known. */
enum ct_class ct_binding_outside_class(const struct ct_binding *binding,
                                       const struct ct_thread *thread);
/* Every thread's life is settled. */
void ct_binding_settle(struct ct_binding *binding);
gboolean ct_binding_is_settled(const struct ct_binding *binding);
/* The recording is over: hands on what is left of all tasks. */
void ct_binding_finish(struct ct_binding *binding);
/* What the thread, which has a task, did in its life. */
void ct_binding_sum_life(struct ct_thread_state *thread, struct ct_task_times *times);

#endif
