#include "model/bins.h"

#include <glib.h>
#include <string.h>

void ct_bins_init(struct ct_bins *bins, uint32_t limit)
{
    *bins = (struct ct_bins){.limit = limit};
}

void ct_bins_clear(struct ct_bins *bins)
{
    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        g_clear_pointer(&bins->time_ns[class], g_free);
    bins->count = 0;
}

/* Bin i of the present grid becomes bin (i + lead) / 2^steps: `lead` aligns the pairs. */
static void widen(struct ct_bins *bins, uint64_t *time_ns, unsigned steps)
{
    uint64_t first = bins->first >> steps;
    for (uint32_t i = 0; i < bins->count; i++) {
        uint64_t amount_ns = time_ns[i];
        time_ns[i] = 0;
        time_ns[((bins->first + i) >> steps) - first] += amount_ns;
    }
}

static void move_right(const struct ct_bins *bins, uint64_t *time_ns, uint32_t distance)
{
    memmove(time_ns + distance, time_ns, bins->count * sizeof(*time_ns));
    memset(time_ns, 0, distance * sizeof(*time_ns));
}

/* Makes the grid reach from `begin_ns` to `last_ns`, both included. */
static void cover(struct ct_bins *bins, uint64_t begin_ns, uint64_t last_ns)
{
    if (bins->count == 0) {
        bins->first = begin_ns;
        bins->shift = 0;
        bins->count = 1;
    }

    unsigned steps = 0;
    uint64_t first, last;
    for (;; steps++) {
        unsigned shift = bins->shift + steps;
        first = MIN(bins->first >> steps, begin_ns >> shift);
        last = MAX((bins->first + bins->count - 1) >> steps, last_ns >> shift);
        if (last - first < bins->limit)
            break;
    }

    uint64_t widened_first = bins->first >> steps;
    uint32_t widened_count = ((bins->first + bins->count - 1) >> steps) - widened_first + 1;
    for (int class = 0; class < CT_CLASS_COUNT && steps > 0; class ++)
        if (bins->time_ns[class])
            widen(bins, bins->time_ns[class], steps);
    bins->shift += steps;
    bins->first = widened_first;
    bins->count = widened_count;

    for (int class = 0; class < CT_CLASS_COUNT && first < widened_first; class ++)
        if (bins->time_ns[class])
            move_right(bins, bins->time_ns[class], widened_first - first);
    bins->first = first;
    bins->count = last - first + 1;
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
