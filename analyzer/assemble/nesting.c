#include "assemble/nesting.h"

/* The rate of the time stamp counter is known to some ppm only, and CPUs differ a little: a wait
 * may seem to begin so much before the last one ended. */
static uint64_t clock_error_ns(const struct ct_span *wait)
{
    return 1000 + ((wait->end_ns - wait->begin_ns) >> 14);
}

static void settle_ends(const struct ct_span *last, struct ct_span *wait)
{
    uint64_t error_ns = clock_error_ns(wait);

    if (wait->begin_ns < last->end_ns && last->end_ns - wait->begin_ns <= error_ns)
        wait->begin_ns = last->end_ns;
    if (wait->end_ns < last->end_ns) {
        /* More than clocks differ, it is not of this trace. */
        if (last->end_ns - wait->end_ns > error_ns)
            wait->begin_ns = last->end_ns;
        wait->end_ns = last->end_ns;
    }
    wait->end_ns = MAX(wait->end_ns, wait->begin_ns);
}

/* Makes room where exact places matter least: neighbours far back become one. */
static void merge_oldest(struct ct_nesting *nesting)
{
    const uint32_t merged = CT_NESTING_TAKEN_MAX / 4;

    for (uint32_t i = 0; i < merged; i++) {
        struct ct_taken *first = &nesting->taken[(size_t)2 * i];

        nesting->taken[i] = (struct ct_taken){.span = {first->span.begin_ns, first[1].span.end_ns},
                                              .waited_ns = first->waited_ns + first[1].waited_ns};
    }
    for (uint32_t i = 2 * merged; i < nesting->count; i++)
        nesting->taken[i - merged] = nesting->taken[i];
    nesting->count -= merged;
}

static void append(struct ct_nesting *nesting, const struct ct_span *span)
{
    if (span->begin_ns == span->end_ns)
        return;
    if (nesting->count == CT_NESTING_TAKEN_MAX)
        merge_oldest(nesting);
    if (nesting->count == nesting->capacity) {
        nesting->capacity = MIN(MAX(2 * nesting->capacity, 4), CT_NESTING_TAKEN_MAX);
        nesting->taken = g_renew(struct ct_taken, nesting->taken, nesting->capacity);
    }
    nesting->taken[nesting->count++] =
        (struct ct_taken){.span = *span, .waited_ns = span->end_ns - span->begin_ns};
}

/* Cuts off what lies after `time_ns`, and returns it. */
static struct ct_taken split(struct ct_taken *taken, uint64_t time_ns)
{
    uint64_t whole_ns = taken->span.end_ns - taken->span.begin_ns;
    uint64_t kept_ns = time_ns - taken->span.begin_ns;
    uint64_t kept_waited_ns = (uint64_t)((unsigned __int128)taken->waited_ns * kept_ns / whole_ns);
    struct ct_taken rest = {.span = {time_ns, taken->span.end_ns},
                            .waited_ns = taken->waited_ns - kept_waited_ns};

    taken->span.end_ns = time_ns;
    taken->waited_ns = kept_waited_ns;
    return rest;
}

static void add_section(struct ct_span *sections, unsigned *count, uint64_t begin_ns,
                        uint64_t end_ns)
{
    if (begin_ns >= end_ns)
        return;
    if (*count > 0 && sections[*count - 1].end_ns == begin_ns)
        sections[*count - 1].end_ns = end_ns;
    else
        sections[(*count)++] = (struct ct_span){begin_ns, end_ns};
}

/* Goes on after what is taken; what it leaves free goes to the section in front of it. */
static uint64_t step_over(const struct ct_taken *taken, struct ct_span *sections, unsigned *count)
{
    uint64_t free_ns = taken->span.end_ns - taken->span.begin_ns - taken->waited_ns;

    add_section(sections, count, taken->span.begin_ns, taken->span.begin_ns + free_ns);
    return taken->span.end_ns;
}

/* Waits nest or follow each other: of one that only overlaps the one before, the clock is wrong. */
static void cut_begin(const struct ct_taken *before, struct ct_span *wait)
{
    if (before && before->waited_ns == before->span.end_ns - before->span.begin_ns)
        wait->begin_ns = MAX(wait->begin_ns, before->span.end_ns);
}

/* Most follow the one before. */
static gboolean is_after_all(const struct ct_nesting *nesting, const struct ct_span *wait)
{
    return wait->begin_ns <= wait->end_ns &&
           (nesting->count == 0 ||
            nesting->taken[nesting->count - 1].span.end_ns <= wait->begin_ns);
}

unsigned ct_nesting_take(struct ct_nesting *nesting, struct ct_span *wait,
                         struct ct_span sections[CT_NESTING_SECTIONS_MAX])
{
    if (is_after_all(nesting, wait)) {
        sections[0] = *wait;
        append(nesting, wait);
        return 1;
    }
    uint32_t first = nesting->count;
    unsigned count = 0;

    if (nesting->count > 0)
        settle_ends(&nesting->taken[nesting->count - 1].span, wait);

    while (first > 0 && nesting->taken[first - 1].span.begin_ns >= wait->begin_ns &&
           nesting->taken[first - 1].span.end_ns > wait->begin_ns)
        first--;
    cut_begin(first > 0 ? &nesting->taken[first - 1] : NULL, wait);

    uint64_t at_ns = wait->begin_ns;

    if (first > 0 && nesting->taken[first - 1].span.end_ns > at_ns) {
        struct ct_taken rest = split(&nesting->taken[first - 1], wait->begin_ns);

        at_ns = step_over(&rest, sections, &count);
    }
    for (uint32_t i = first; i < nesting->count; i++) {
        add_section(sections, &count, at_ns, nesting->taken[i].span.begin_ns);
        at_ns = step_over(&nesting->taken[i], sections, &count);
    }
    add_section(sections, &count, at_ns, wait->end_ns);
    if (count == 0)
        sections[count++] = (struct ct_span){wait->end_ns, wait->end_ns};
    nesting->count = first;
    append(nesting, wait);
    return count;
}

void ct_nesting_clear(struct ct_nesting *nesting)
{
    g_clear_pointer(&nesting->taken, g_free);
    nesting->count = 0;
    nesting->capacity = 0;
}
