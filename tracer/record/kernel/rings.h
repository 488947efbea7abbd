/*
 * perf's ring buffers, one for each CPU, and the kernel events that go into them: the scheduler's
 * of the whole machine, or, without the privilege for that, when one process and its children got
 * and lost the CPU.
 */
#ifndef CTRACE_RECORD_KERNEL_RINGS_H
#define CTRACE_RECORD_KERNEL_RINGS_H

#include "formats.h"

#include <glib.h>
#include <sys/types.h>

#define CT_RING_FDS 4

struct ct_ring {
    uint32_t cpu;
    int fds[CT_RING_FDS]; /* the first has the ring; -1: none */
    void *map;
    size_t size;            /* of the data */
    uint32_t idle_told;     /* so often its CPU's idle task told of its switch */
    gboolean is_idle_clear; /* whether it does, is */
};

struct ct_rings {
    gboolean is_all_cpus; /* tracepoints, of every task; else context switches of some */
    struct ct_formats formats;
    struct ct_ring *rings; /* owned; by CPU, but for those that came while recording */
    guint count;
    guint capacity;
};

/* The whole machine. Forks, names and exits come at once, the rest from ct_rings_begin() on. */
struct ct_rings *ct_rings_open_machine(char **why_not);

/* Process `pid` and all its children to come, from its next exec on, or ct_rings_begin(). */
struct ct_rings *ct_rings_open_process(pid_t pid, gboolean is_delayed, char **why_not);

/*
 * CPU `cpu` came on-line: it has lost the events of its ring, whose data must have been drained, or
 * had none. The ring, or NULL if there can be none. Of the whole machine only.
 */
struct ct_ring *ct_rings_reopen(struct ct_rings *rings, uint32_t cpu, gboolean is_begun);

/* From now on, who comes on the ring's CPU is told once more: see idle.h. FALSE and errno. */
gboolean ct_ring_add_arrivals(struct ct_ring *ring);

void ct_rings_begin(struct ct_rings *rings);
void ct_rings_end(struct ct_rings *rings);

/* Writes what is in the ring to `fd` and makes room for more. FALSE and errno if it cannot. */
gboolean ct_ring_drain(struct ct_ring *ring, int fd);

/* May take a tenth of a second: the kernel waits until nobody is in its tracepoints. */
void ct_rings_free(struct ct_rings *rings);

/* The same, but it is a process of its own that takes the time, and nobody waits for it. */
void ct_rings_free_aside(struct ct_rings *rings);

#endif
