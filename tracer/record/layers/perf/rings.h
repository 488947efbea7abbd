/*
 * perf's ring buffers, one for each CPU, and the kernel events that go into them: the scheduler's
 * of the whole machine, or, without the privilege for that, when one process and its children got
 * and lost the CPU; and the system calls of that process and its children.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_RINGS_H
#define CTRACE_RECORD_LAYERS_PERF_RINGS_H

#include "formats.h"
#include "ring.h"

#include <glib.h>
#include <sys/types.h>

enum ct_rings_kind {
    CT_RINGS_MACHINE, /* the scheduler's tracepoints, of every task */
    CT_RINGS_PROCESS, /* context switches of some */
    CT_RINGS_CALLS,   /* their system calls, and where they were when they left a CPU */
    CT_RINGS_SAMPLES  /* where those are, by the time that they run */
};

struct ct_rings {
    enum ct_rings_kind kind;
    struct ct_formats formats;
    struct ct_ring *rings; /* owned */
    guint count;
    guint capacity;
    GArray *task_fds; /* owned; int; events of running threads, whose records the rings get */
};

/* For those who open their own events: no rings yet. */
struct ct_rings *ct_rings_new(enum ct_rings_kind kind);

/*
 * Adds a ring for each CPU that is there, and opens it by `open`, which says FALSE and errno if it
 * cannot. That errno, or 0.
 */
int ct_rings_open_each(struct ct_rings *rings, gboolean (*open)(void *user, struct ct_ring *ring),
                       void *user);

/* What a task's life is, with that of its children to come: forks, names, execs and exits. */
struct perf_event_attr ct_rings_life_event(gboolean on_exec);

/* The whole machine. Forks, names and exits come at once, the rest from ct_rings_begin() on. */
struct ct_rings *ct_rings_open_machine(char **why_not);

/* Process `pid` and all its children to come, from its next exec on, or ct_rings_begin(). */
struct ct_rings *ct_rings_open_process(pid_t pid, gboolean is_delayed, char **why_not);

/* Why a task's own events, or a ring of them, cannot be opened: what errno `code` means there. */
char *ct_rings_explain_task(int code);

/*
 * The system calls of process `pid` and all its children to come, from its next exec on, or
 * ct_rings_begin(), with what they map; and their stacks, by frame pointers, where they leave a
 * CPU, as far as we may see that.
 */
struct ct_rings *ct_rings_open_calls(pid_t pid, gboolean is_delayed, char **why_not);

/* PROCESS or CALLS of processes that run already: see ct_rings_attach(). */
struct ct_rings *ct_rings_open_running(enum ct_rings_kind kind, const GArray *pids,
                                       gboolean follows_children, char **why_not);

/*
 * CPU `cpu` came on-line: it has lost the events of its ring, whose data must have been drained, or
 * had none. The ring, or NULL if there can be none. Of the whole machine only.
 */
struct ct_ring *ct_rings_reopen(struct ct_rings *rings, uint32_t cpu, gboolean is_begun);

/* From now on, who comes on the ring's CPU is told once more: see idle.h. FALSE and errno. */
gboolean ct_rings_add_arrivals(struct ct_ring *ring);

void ct_rings_begin(struct ct_rings *rings);
void ct_rings_end(struct ct_rings *rings);

/* May take a tenth of a second: the kernel waits until nobody is in its tracepoints. */
void ct_rings_free(struct ct_rings *rings);

/* The same, but it is a process of its own that takes the time, and nobody waits for it. */
void ct_rings_free_aside(struct ct_rings *rings);

#endif
