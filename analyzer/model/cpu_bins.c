#include "model/cpu_bins.h"

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

void ct_cpu_bins_init(struct ct_cpu_bins *bins, uint32_t limit)
{
    *bins = (struct ct_cpu_bins){.limit = limit};
}

void ct_cpu_bins_clear(struct ct_cpu_bins *bins)
{
    g_clear_pointer(&bins->bins, g_free);
    bins->count = 0;
}

/* Makes the bins twice as wide. */
static void widen(struct ct_cpu_bins *bins)
{
    uint64_t first = bins->first >> 1, last = (bins->first + bins->count - 1) >> 1;

    for (uint32_t i = 0; i < bins->count; i++) {
        struct ct_cpu_vote vote = bins->bins[i];

        bins->bins[i] = (struct ct_cpu_vote){0};
        ct_cpu_vote_add(&bins->bins[((bins->first + i) >> 1) - first], &vote);
    }
    bins->shift++;
    bins->first = first;
    bins->count = (uint32_t)(last - first + 1);
}

/* Makes the bins reach from `begin_ns` to `last_ns`, both included. */
static void cover(struct ct_cpu_bins *bins, uint64_t begin_ns, uint64_t last_ns)
{
    if (!bins->bins) {
        bins->bins = g_new0(struct ct_cpu_vote, bins->limit);
        bins->first = begin_ns;
        bins->count = 1;
    }
    uint64_t first, last;

    for (;; widen(bins)) {
        first = MIN(bins->first, begin_ns >> bins->shift);
        last = MAX(bins->first + bins->count - 1, last_ns >> bins->shift);
        if (last - first < bins->limit)
            break;
    }
    uint64_t lead = bins->first - first;

    memmove(bins->bins + lead, bins->bins, bins->count * sizeof(*bins->bins));
    memset(bins->bins, 0, lead * sizeof(*bins->bins));
    bins->first = first;
    bins->count = (uint32_t)(last - first + 1);
}

void ct_cpu_bins_add(struct ct_cpu_bins *bins, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns)
{
    cover(bins, begin_ns, end_ns - 1);
    for (uint64_t at_ns = begin_ns; at_ns < end_ns;) {
        uint64_t bin = at_ns >> bins->shift;
        uint64_t left_ns = ((bin + 1) << bins->shift) - at_ns;
        uint64_t part_ns = MIN(left_ns, end_ns - at_ns);
        const struct ct_cpu_vote vote = {(double)part_ns, (double)part_ns, cpu};

        ct_cpu_vote_add(&bins->bins[bin - bins->first], &vote);
        at_ns += part_ns;
    }
}
