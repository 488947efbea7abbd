/*
 * Which thread had which CPU: per CPU the longest times exactly, the others summed into bins.
 * Memory grows with CPUs, never with switches.
 */
#ifndef CTRACE_CPU_RUNS_H
#define CTRACE_CPU_RUNS_H

#include "model/bins.h"
#include "model/sink.h"

/* Cut to the window. */
struct ct_cpu_run {
    const struct ct_thread *thread; /* borrowed from the model */
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t whole_begin_ns; /* with what lies outside the window */
    uint64_t whole_end_ns;
};

struct ct_cpu {
    uint32_t cpu;
    uint64_t run_ns;         /* the program's, inside the window */
    struct ct_cpu_run *runs; /* owned; the longest, by begin once finished */
    uint32_t run_count;
    struct ct_bins bins; /* of all others, as class RUNNING */
};

struct ct_cpu_runs;

/* [begin_ns, end_ns) is the window. */
struct ct_cpu_runs *ct_cpu_runs_new(uint64_t begin_ns, uint64_t end_ns);
void ct_cpu_runs_free(struct ct_cpu_runs *runs);

void ct_cpu_runs_add(struct ct_cpu_runs *runs, const struct ct_run *run);

/* Once all were added. */
void ct_cpu_runs_finish(struct ct_cpu_runs *runs);

/* struct ct_cpu *, by number: those on which the program ran. Borrowed. */
const GPtrArray *ct_cpu_runs_list(const struct ct_cpu_runs *runs);

#endif
