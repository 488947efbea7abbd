#include "model/cpu_runs.h"

#include <stdlib.h>

enum {
    CPUS_MAX = 4096, /* numbers beyond are no CPUs */
    RUNS_MAX = 1024,
    BINS_MAX = 4096,
};

struct ct_cpu_runs {
    uint64_t begin_ns;
    uint64_t end_ns;
    GPtrArray *cpus; /* owned; by number, with NULLs until finished */
};

static void cpu_free(void *data)
{
    struct ct_cpu *cpu = data;

    if (!cpu)
        return;
    ct_bins_clear(&cpu->bins);
    g_free(cpu->runs);
    g_free(cpu);
}

struct ct_cpu_runs *ct_cpu_runs_new(uint64_t begin_ns, uint64_t end_ns)
{
    struct ct_cpu_runs *runs = g_new0(struct ct_cpu_runs, 1);

    runs->begin_ns = begin_ns;
    runs->end_ns = end_ns;
    runs->cpus = g_ptr_array_new_with_free_func(cpu_free);
    return runs;
}

void ct_cpu_runs_free(struct ct_cpu_runs *runs)
{
    g_ptr_array_unref(runs->cpus);
    g_free(runs);
}

static struct ct_cpu *get_cpu(struct ct_cpu_runs *runs, uint32_t number)
{
    if (number >= CPUS_MAX)
        return NULL;
    if (number >= runs->cpus->len)
        g_ptr_array_set_size(runs->cpus, (gint)number + 1);

    struct ct_cpu *cpu = g_ptr_array_index(runs->cpus, number);

    if (!cpu) {
        cpu = g_new0(struct ct_cpu, 1);
        cpu->cpu = number;
        cpu->runs = g_new(struct ct_cpu_run, RUNS_MAX);
        ct_bins_init(&cpu->bins, BINS_MAX);
        runs->cpus->pdata[number] = cpu;
    }
    return cpu;
}

static uint64_t length_ns(const struct ct_cpu_run *run)
{
    return run->end_ns - run->begin_ns;
}

/* The runs are a heap with the shortest on top. */
static void sift_down(struct ct_cpu *cpu, struct ct_cpu_run run)
{
    uint32_t parent = 0;

    for (;;) {
        uint32_t child = 2 * parent + 1;

        if (child >= cpu->run_count)
            break;
        if (child + 1 < cpu->run_count &&
            length_ns(&cpu->runs[child + 1]) < length_ns(&cpu->runs[child]))
            child++;
        if (length_ns(&run) <= length_ns(&cpu->runs[child]))
            break;
        cpu->runs[parent] = cpu->runs[child];
        parent = child;
    }
    cpu->runs[parent] = run;
}

static void sift_up(struct ct_cpu *cpu, struct ct_cpu_run run)
{
    uint32_t child = cpu->run_count++;

    while (child > 0) {
        uint32_t parent = (child - 1) / 2;

        if (length_ns(&cpu->runs[parent]) <= length_ns(&run))
            break;
        cpu->runs[child] = cpu->runs[parent];
        child = parent;
    }
    cpu->runs[child] = run;
}

void ct_cpu_runs_add(struct ct_cpu_runs *runs, const struct ct_run *run)
{
    struct ct_cpu_run inside = {run->thread, MAX(run->begin_ns, runs->begin_ns),
                                MIN(run->end_ns, runs->end_ns), run->begin_ns, run->end_ns};
    struct ct_cpu *cpu = inside.begin_ns < inside.end_ns ? get_cpu(runs, run->cpu) : NULL;

    if (!cpu)
        return;
    cpu->run_ns += length_ns(&inside);
    if (cpu->run_count < RUNS_MAX) {
        sift_up(cpu, inside);
        return;
    }
    struct ct_cpu_run shortest = inside;

    if (length_ns(&inside) > length_ns(&cpu->runs[0])) {
        shortest = cpu->runs[0];
        sift_down(cpu, inside);
    }
    ct_bins_add(&cpu->bins, CT_CLASS_RUNNING, shortest.begin_ns, shortest.end_ns,
                length_ns(&shortest));
}

static int compare_begin(const void *a, const void *b)
{
    const struct ct_cpu_run *left = a, *right = b;

    return (left->begin_ns > right->begin_ns) - (left->begin_ns < right->begin_ns);
}

void ct_cpu_runs_finish(struct ct_cpu_runs *runs)
{
    for (guint i = 0; i < runs->cpus->len;) {
        struct ct_cpu *cpu = g_ptr_array_index(runs->cpus, i);

        if (!cpu) {
            g_ptr_array_remove_index(runs->cpus, i);
            continue;
        }
        qsort(cpu->runs, cpu->run_count, sizeof(*cpu->runs), compare_begin);
        i++;
    }
}

const GPtrArray *ct_cpu_runs_list(const struct ct_cpu_runs *runs)
{
    return runs->cpus;
}
