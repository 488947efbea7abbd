/*
 * What the scheduler did with every task: running, in the run queue, or off the CPU, at any moment
 * of late and in sum since it was first seen. Knows nothing of processes and waits.
 *
 * Of each task the last few hundred changes are kept, since a wait is only known once it is over;
 * of those before, sums only.
 */
#ifndef CTRACE_ASSEMBLE_TASKS_H
#define CTRACE_ASSEMBLE_TASKS_H

#include "assemble/task.h"
#include "schema/kernel_events.h"

struct ct_tasks;

#define CT_ANY_CPU UINT32_MAX

/* `names` is borrowed, and has the strings that spans refer to. */
struct ct_tasks *ct_tasks_new(const struct ct_task_events *events, GStringChunk *names);
void ct_tasks_free(struct ct_tasks *tasks);

/* How long a task must be blocked for it not to be brief. */
void ct_tasks_set_brief(struct ct_tasks *tasks, uint64_t brief_ns);

/* Events come in the order of their time. FALSE: there are more tasks than fit. */
gboolean ct_tasks_add(struct ct_tasks *tasks, const struct ct_kernel_record *record);

/* Events of this CPU are lost for that time. Who is not on another one may be on it. */
void ct_tasks_lost(struct ct_tasks *tasks, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns);

/* The task that has this id now; NULL if there is no kernel layer, or nothing seen of it. */
struct ct_task *ct_tasks_find(const struct ct_tasks *tasks, int32_t tid);

/* The task was running then, whatever its switches say: one of them is missing. */
void ct_task_seen_running(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns);

/* Whether it is on that CPU then, or may be, as far as was told; CT_ANY_CPU: on one. */
gboolean ct_task_may_run_on(const struct ct_tasks *tasks, const struct ct_task *task, uint32_t cpu,
                            uint64_t time_ns);

/* Hands on the times on a CPU that end by `time_ns`: no wait takes them. */
void ct_task_flush_runs(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns);

/* Hands on all spans that end by `time_ns`: no wait will come any more that they are in. */
void ct_task_flush(struct ct_tasks *tasks, struct ct_task *task, uint64_t time_ns);

/* The recording ends now: so do all spans. */
void ct_tasks_finish(struct ct_tasks *tasks, uint64_t end_ns);

/* How many switches of the program's tasks must have been, but are not among the events: the kernel
 * drops one now and then, without a word. */
uint64_t ct_tasks_missed(const struct ct_tasks *tasks);

#endif
