/* The tasks of the recorded process tree: which threads there are at a moment. */
#ifndef CTRACE_CONVERT_TASKS_H
#define CTRACE_CONVERT_TASKS_H

#include <glib.h>
#include <stdint.h>

struct ct_tasks;

/* Begins with the process `root_pid`, or with none if that is 0. Only threads of the processes that
 * are there or added, unless children are followed. */
struct ct_tasks *ct_tasks_new(int32_t root_pid, gboolean follows_children);
void ct_tasks_free(struct ct_tasks *tasks);

gboolean ct_tasks_has(const struct ct_tasks *tasks, int32_t tid);

/* This one was there already. */
void ct_tasks_add(struct ct_tasks *tasks, int32_t pid, int32_t tid);

/* TRUE if the new task is one of them. */
gboolean ct_tasks_fork(struct ct_tasks *tasks, int32_t parent_tid, int32_t child_pid,
                       int32_t child_tid);

/* It is on its way out. Its id stays, as it has yet to leave the CPU, until another task has it. */
void ct_tasks_exit(struct ct_tasks *tasks, int32_t tid);

/* Process `pid` has a new image: its only thread has the process's id, whatever it was before.
 * TRUE if it is one of them. */
gboolean ct_tasks_exec(struct ct_tasks *tasks, int32_t pid);

#endif
