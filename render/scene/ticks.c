#include "scene/ticks.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

struct unit {
    uint64_t ns;
    int decimals; /* that reach down to a nanosecond */
    const char *name;
};

static const struct unit units[] = {
    {1, 0, "ns"},
    {1000, 3, "us"},
    {1000000, 6, "ms"},
    {NS_PER_S, 9, "s"},
};

/* Above the seconds, steps that divide a minute, an hour or a day. */
static const uint64_t long_steps_s[] = {1,   2,   5,    10,   20,   30,    60,    120,  300,
                                        600, 900, 1800, 3600, 7200, 18000, 43200, 86400};

static uint64_t choose_step_ns(uint64_t least_ns)
{
    if (least_ns > NS_PER_S / 2) {
        for (size_t i = 0; i < G_N_ELEMENTS(long_steps_s); i++)
            if (long_steps_s[i] * NS_PER_S >= least_ns)
                return long_steps_s[i] * NS_PER_S;
    }
    static const uint64_t factors[] = {1, 2, 5};
    uint64_t power = least_ns > 86400 * NS_PER_S ? 86400 * NS_PER_S : 1;
    for (;; power *= 10)
        for (size_t i = 0; i < G_N_ELEMENTS(factors); i++)
            if (power > UINT64_MAX / 10 || power * factors[i] >= least_ns)
                return power * factors[i];
}

static const struct unit *unit_of(uint64_t time_ns)
{
    const struct unit *unit = units;
    while (unit < units + G_N_ELEMENTS(units) - 1 && time_ns >= unit[1].ns)
        unit++;
    return unit;
}

/* How many decimals of the unit a multiple of `step_ns` needs. */
static int decimals_of(const struct unit *unit, uint64_t step_ns)
{
    int decimals = unit->decimals;
    while (decimals > 0 && step_ns % 10 == 0) {
        step_ns /= 10;
        decimals--;
    }
    return decimals;
}

struct ct_ticks ct_ticks_choose(uint64_t begin_ns, uint64_t end_ns, uint32_t most)
{
    uint64_t span_ns = end_ns - begin_ns;
    struct ct_ticks ticks = {.step_ns = choose_step_ns(MAX(1, span_ns / most + 1))};
    uint64_t index = begin_ns / ticks.step_ns + (begin_ns % ticks.step_ns != 0);
    uint64_t last = end_ns / ticks.step_ns;
    ticks.first_ns = index * ticks.step_ns;
    ticks.count = last >= index ? MIN(last - index + 1, most) : 0;
    if (decimals_of(unit_of(end_ns), ticks.step_ns) > 3)
        ticks.base_ns = ticks.first_ns;
    return ticks;
}

static char *decimal(uint64_t time_ns, const struct unit *unit, int decimals)
{
    if (decimals == 0)
        return g_strdup_printf("%" PRIu64 " %s", time_ns / unit->ns, unit->name);
    uint64_t fraction = time_ns % unit->ns;
    for (int i = unit->decimals; i > decimals; i--)
        fraction /= 10;
    return g_strdup_printf("%" PRIu64 ".%0*" PRIu64 " %s", time_ns / unit->ns, decimals, fraction,
                           unit->name);
}

static char *clock_label(uint64_t time_ns)
{
    uint64_t seconds = time_ns / NS_PER_S;
    if (seconds >= 3600)
        return g_strdup_printf("%" PRIu64 " h %02u min", seconds / 3600,
                               (unsigned)(seconds / 60 % 60));
    if (seconds % 60 == 0)
        return g_strdup_printf("%" PRIu64 " min", seconds / 60);
    return g_strdup_printf("%" PRIu64 " min %02u s", seconds / 60, (unsigned)(seconds % 60));
}

char *ct_ticks_label(const struct ct_ticks *ticks, uint64_t time_ns)
{
    if (ticks->base_ns) {
        uint64_t distance_ns = time_ns - ticks->base_ns;
        uint64_t span_ns = ticks->step_ns * ticks->count;
        const struct unit *unit = unit_of(span_ns);
        if (distance_ns == 0)
            return ct_time_label(time_ns);
        g_autofree char *label = decimal(distance_ns, unit, decimals_of(unit, ticks->step_ns));
        return g_strconcat("+", label, NULL);
    }
    if (time_ns == 0)
        return g_strdup("0");

    uint64_t last_ns = ticks->first_ns + ticks->step_ns * (MAX(ticks->count, 1) - 1);
    if (last_ns >= 120 * NS_PER_S && ticks->step_ns % NS_PER_S == 0 &&
        (last_ns < 3600 * NS_PER_S || ticks->step_ns % (60 * NS_PER_S) == 0) &&
        time_ns >= 60 * NS_PER_S)
        return clock_label(time_ns);
    const struct unit *unit = unit_of(last_ns);
    return decimal(time_ns, unit, decimals_of(unit, ticks->step_ns));
}

char *ct_time_label(uint64_t time_ns)
{
    if (time_ns == 0)
        return g_strdup("0 s");
    const struct unit *unit = unit_of(time_ns);
    return decimal(time_ns, unit, decimals_of(unit, time_ns));
}
