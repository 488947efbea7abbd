#include "model/bins.h"

#include <glib.h>
#include <string.h>

void ct_cpu_vote_add(struct ct_cpu_vote *vote, const struct ct_cpu_vote *other)
{
    vote->run_ns += other->run_ns;
    if (vote->cpu == other->cpu) {
        vote->lead_ns += other->lead_ns;
    } else if (vote->lead_ns >= other->lead_ns) {
        vote->lead_ns -= other->lead_ns;
    } else {
        vote->lead_ns = other->lead_ns - vote->lead_ns;
        vote->cpu = other->cpu;
    }
}

void ct_bins_init(struct ct_bins *bins, uint32_t limit)
{
    *bins = (struct ct_bins){.limit = limit};
}

void ct_bins_clear(struct ct_bins *bins)
{
    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        g_clear_pointer(&bins->time_ns[class], g_free);
    g_clear_pointer(&bins->cpus, g_free);
    bins->count = 0;
}

/* Makes the bins twice as wide: an even one and the next become one. */
static void widen(struct ct_bins *bins)
{
    uint64_t first = bins->first >> 1, last = (bins->first + bins->count - 1) >> 1;

    for (uint32_t i = 0; i < bins->count; i++) {
        uint64_t wide = ((bins->first + i) >> 1) - first;

        for (int class = 0; class < CT_CLASS_COUNT; class ++) {
            if (bins->time_ns[class]) {
                uint64_t amount_ns = bins->time_ns[class][i];

                bins->time_ns[class][i] = 0;
                bins->time_ns[class][wide] += amount_ns;
            }
        }
        if (bins->cpus) {
            struct ct_cpu_vote vote = bins->cpus[i];

            bins->cpus[i] = (struct ct_cpu_vote){0};
            ct_cpu_vote_add(&bins->cpus[wide], &vote);
        }
    }
    bins->shift++;
    bins->first = first;
    bins->count = (uint32_t)(last - first + 1);
}

/* Has `count` cells of that size moved, and leaves zeros. */
static void move_cells(void *cells, size_t size, uint32_t count, uint64_t distance)
{
    if (!cells)
        return;
    memmove((char *)cells + distance * size, cells, count * size);
    memset(cells, 0, distance * size);
}

/* Makes the bins reach from `begin_ns` to `last_ns`, both included. */
static void cover(struct ct_bins *bins, uint64_t begin_ns, uint64_t last_ns)
{
    uint64_t first, last;

    if (bins->count == 0) {
        bins->first = begin_ns;
        bins->shift = 0;
        bins->count = 1;
    }
    for (;; widen(bins)) {
        first = MIN(bins->first, begin_ns >> bins->shift);
        last = MAX(bins->first + bins->count - 1, last_ns >> bins->shift);
        if (last - first < bins->limit)
            break;
    }
    for (int class = 0; class < CT_CLASS_COUNT && first < bins->first; class ++)
        move_cells(bins->time_ns[class], sizeof(uint64_t), bins->count, bins->first - first);
    move_cells(bins->cpus, sizeof(*bins->cpus), bins->count, bins->first - first);
    bins->first = first;
    bins->count = (uint32_t)(last - first + 1);
}

static uint64_t scale(uint64_t value, uint64_t numerator, uint64_t denominator)
{
    return (unsigned __int128)value * numerator / denominator;
}

void ct_bins_add(struct ct_bins *bins, enum ct_class class, uint64_t begin_ns, uint64_t end_ns,
                 uint64_t amount_ns)
{
    uint64_t first = begin_ns >> bins->shift;
    uint64_t last = (end_ns - 1) >> bins->shift;
    if (bins->count == 0 || first < bins->first || last - bins->first >= bins->count) {
        cover(bins, begin_ns, end_ns - 1);
        first = begin_ns >> bins->shift;
        last = (end_ns - 1) >> bins->shift;
    }

    uint64_t *time_ns = bins->time_ns[class];
    if (!time_ns)
        time_ns = bins->time_ns[class] = g_new0(uint64_t, bins->limit);

    /* Each bin gets the difference of two running sums, so that nothing is lost to rounding. */
    uint64_t given_ns = 0;
    for (uint64_t bin = first; bin < last; bin++) {
        uint64_t passed_ns = ((bin + 1) << bins->shift) - begin_ns;
        uint64_t due_ns = scale(amount_ns, passed_ns, end_ns - begin_ns);
        time_ns[bin - bins->first] += due_ns - given_ns;
        given_ns = due_ns;
    }
    time_ns[last - bins->first] += amount_ns - given_ns;
}

void ct_bins_add_run(struct ct_bins *bins, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns)
{
    cover(bins, begin_ns, end_ns - 1);
    if (!bins->cpus)
        bins->cpus = g_new0(struct ct_cpu_vote, bins->limit);
    for (uint64_t at_ns = begin_ns; at_ns < end_ns;) {
        uint64_t bin = at_ns >> bins->shift;
        uint64_t left_ns = ((bin + 1) << bins->shift) - at_ns;
        uint64_t inside_ns = MIN(left_ns, end_ns - at_ns);
        const struct ct_cpu_vote vote = {(double)inside_ns, (double)inside_ns, cpu};

        ct_cpu_vote_add(&bins->cpus[bin - bins->first], &vote);
        at_ns += inside_ns;
    }
}
