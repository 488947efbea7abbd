#include "passes/durations.h"

#include <math.h>

/* Durations that agree in so many bits behind the first are in one bin. */
#define BITS 8

struct bin {
    uint32_t number;
    double count;
    double total_ns;
};

static unsigned exponent_of(uint64_t duration_ns)
{
    return 63U - (unsigned)__builtin_clzll(duration_ns | 1);
}

static uint32_t number_of(uint64_t duration_ns)
{
    unsigned exponent = exponent_of(duration_ns);

    if (exponent <= BITS)
        return (uint32_t)duration_ns;
    return (uint32_t)((exponent - BITS) << BITS) + (uint32_t)(duration_ns >> (exponent - BITS));
}

static struct bin *bin_at(const struct ct_durations *durations, guint index)
{
    return &g_array_index(durations->bins, struct bin, index);
}

void ct_durations_clear(struct ct_durations *durations)
{
    g_clear_pointer(&durations->bins, g_array_unref);
}

/* The first that is not below the number. */
static guint find(const struct ct_durations *durations, uint32_t number)
{
    guint low = 0, high = durations->bins->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (bin_at(durations, middle)->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_to(struct bin *bin, const struct bin *more)
{
    bin->count += more->count;
    bin->total_ns += more->total_ns;
}

void ct_durations_add(struct ct_durations *durations, uint64_t duration_ns, double weight)
{
    const struct bin bin = {number_of(duration_ns), weight, weight * (double)duration_ns};

    if (!durations->bins)
        durations->bins = g_array_new(FALSE, FALSE, sizeof(struct bin));
    guint at = find(durations, bin.number);

    if (at < durations->bins->len && bin_at(durations, at)->number == bin.number)
        add_to(bin_at(durations, at), &bin);
    else
        g_array_insert_val(durations->bins, at, bin);
    durations->count += weight;
    durations->total_ns += weight * (double)duration_ns;
    durations->longest_ns = MAX(durations->longest_ns, duration_ns);
}

uint64_t ct_durations_quantile_ns(const struct ct_durations *durations, double share)
{
    double sum = 0;

    for (guint i = 0; durations->bins && i < durations->bins->len; i++) {
        const struct bin *bin = bin_at(durations, i);

        sum += bin->count;
        if (sum >= share * durations->count)
            return (uint64_t)llround(MIN(bin->total_ns / bin->count, 9e18));
    }
    return durations->longest_ns;
}
