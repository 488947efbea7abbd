#include "store/record.h"

#include <glib.h>
#include <math.h>
#include <string.h>

const struct ct_lane_layout ct_lane_layouts[CT_LANE_KIND_COUNT] = {
    [CT_LANE_INTERVALS] = {CT_INTERVAL_NUMBERS, CT_INTERVAL_STRINGS, CT_INTERVAL_LOOSE,
                           1 << CT_INTERVAL_FIRST_RELEASE},
    [CT_LANE_RUNS] = {.numbers = CT_RUN_NUMBERS},
    [CT_LANE_SAMPLES] = {.numbers = CT_SAMPLE_NUMBERS},
    [CT_LANE_WAKES] = {.numbers = CT_WAKE_NUMBERS, .loose = CT_WAKE_LOOSE},
    [CT_LANE_TURNS] = {CT_TURN_NUMBERS, CT_TURN_STRINGS, CT_TURN_LOOSE,
                       1 << CT_TURN_LEAD_ROUND | 1 << CT_TURN_BEGIN_ROUND | 1 << CT_TURN_END_ROUND},
    [CT_LANE_CPU_RUNS] = {.numbers = CT_CPU_RUN_NUMBERS},
    [CT_LANE_OBJECT_WAITS] = {.numbers = CT_OBJECT_WAIT_NUMBERS},
    [CT_LANE_RELEASES] = {CT_RELEASE_NUMBERS, 0, CT_RELEASE_LOOSE, 1 << CT_RELEASE_TIME},
};

G_STATIC_ASSERT(CT_INTERVAL_NUMBERS <= CT_NUMBERS_MAX);
G_STATIC_ASSERT(CT_INTERVAL_STRINGS <= CT_STRINGS_MAX);
G_STATIC_ASSERT(CT_INTERVAL_LOOSE <= CT_LOOSE_MAX);

/* The longer one; of two as long, the one that began first. */
static gboolean is_longer(const struct ct_summary *a, const struct ct_summary *b)
{
    if (a->longest_ns != b->longest_ns)
        return a->longest_ns > b->longest_ns;
    if (a->longest_begin_ns != b->longest_begin_ns)
        return a->longest_begin_ns < b->longest_begin_ns;
    return a->longest_sequence < b->longest_sequence;
}

/* All but the times by class. */
static void add_extent(struct ct_summary *summary, const struct ct_summary *more)
{
    if (summary->count == 0) {
        summary->first_begin_ns = more->first_begin_ns;
        summary->first_sequence = more->first_sequence;
    }
    if (summary->count == 0 || is_longer(more, summary)) {
        summary->longest_ns = more->longest_ns;
        summary->longest_begin_ns = more->longest_begin_ns;
        summary->longest_sequence = more->longest_sequence;
    }
    summary->first_begin_ns = MIN(summary->first_begin_ns, more->first_begin_ns);
    summary->last_begin_ns = MAX(summary->last_begin_ns, more->last_begin_ns);
    summary->last_end_ns = MAX(summary->last_end_ns, more->last_end_ns);
    summary->first_sequence = MIN(summary->first_sequence, more->first_sequence);
    summary->count += more->count;
}

void ct_summary_add(struct ct_summary *summary, const struct ct_summary *more)
{
    if (more->count == 0)
        return;
    add_extent(summary, more);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        summary->class_ns[class] += more->class_ns[class];
        summary->unseen_ns[class] += more->unseen_ns[class];
    }
}

double ct_record_weight(const struct ct_store_record *record)
{
    const uint64_t *numbers = record->attribute->numbers;
    uint64_t wait_ns = record->end_ns - record->begin_ns + record->loose[CT_INTERVAL_LEAD] +
                       record->loose[CT_INTERVAL_TAIL];
    double weight;

    /* An index is as untrusted as a trace. */
    if (!(numbers[CT_INTERVAL_FLAGS] & CT_INTERVAL_HAS_WEIGHT))
        return 1;
    if (numbers[CT_INTERVAL_WEIGHT_TIME] != 0)
        weight = (double)numbers[CT_INTERVAL_WEIGHT_TIME] / (double)wait_ns;
    else
        memcpy(&weight, &record->loose[CT_INTERVAL_WEIGHT], sizeof(weight));
    return isfinite(weight) && weight >= 1 ? weight : 1;
}

uint64_t ct_unseen_ns(double weight, uint64_t duration_ns)
{
    if (!(weight > 1)) /* also what is not a number */
        return 0;
    double unseen = (weight - 1) * (double)duration_ns;

    return unseen < 0x1p62 ? (uint64_t)llround(unseen) : 0;
}

/* As with summaries. */
static gboolean is_longer_record(const struct ct_store_record *a, const struct ct_store_record *b)
{
    uint64_t a_ns = a->end_ns - a->begin_ns, b_ns = b->end_ns - b->begin_ns;

    if (a_ns != b_ns)
        return a_ns > b_ns;
    if (a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns;
    return a->sequence < b->sequence;
}

/* Returns the sum of their times. */
static uint64_t set_extent(struct ct_summary *summary, const struct ct_store_record *records,
                           size_t count)
{
    const struct ct_store_record *longest = records;
    uint64_t first_begin_ns = records->begin_ns, last_begin_ns = records->begin_ns;
    uint64_t last_end_ns = records->end_ns, first_sequence = records->sequence;
    uint64_t sum_ns = 0;

    for (size_t i = 0; i < count; i++) {
        const struct ct_store_record *record = &records[i];

        first_begin_ns = MIN(first_begin_ns, record->begin_ns);
        last_begin_ns = MAX(last_begin_ns, record->begin_ns);
        last_end_ns = MAX(last_end_ns, record->end_ns);
        first_sequence = MIN(first_sequence, record->sequence);
        sum_ns += record->end_ns - record->begin_ns;
        if (is_longer_record(record, longest))
            longest = record;
    }
    *summary = (struct ct_summary){
        .first_begin_ns = first_begin_ns,
        .last_begin_ns = last_begin_ns,
        .last_end_ns = last_end_ns,
        .first_sequence = first_sequence,
        .count = count,
        .longest_ns = longest->end_ns - longest->begin_ns,
        .longest_begin_ns = longest->begin_ns,
        .longest_sequence = longest->sequence,
    };
    return sum_ns;
}

static void add_classes(struct ct_summary *summary, const struct ct_store_record *records,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct ct_store_record *record = &records[i];
        const uint64_t *numbers = record->attribute->numbers;
        uint64_t class = MIN(numbers[CT_INTERVAL_CLASS], CT_CLASS_COUNT - 1);
        uint64_t duration_ns = record->end_ns - record->begin_ns;

        summary->class_ns[class] += duration_ns;
        if (numbers[CT_INTERVAL_FLAGS] & CT_INTERVAL_HAS_WEIGHT)
            summary->unseen_ns[class] += ct_unseen_ns(ct_record_weight(record), duration_ns);
    }
}

void ct_summary_set(struct ct_summary *summary, enum ct_lane_kind kind,
                    const struct ct_store_record *records, size_t count)
{
    uint64_t sum_ns;

    *summary = (struct ct_summary){0};
    if (count == 0)
        return;
    sum_ns = set_extent(summary, records, count);
    if (kind == CT_LANE_INTERVALS)
        add_classes(summary, records, count);
    else
        summary->class_ns[CT_CLASS_RUNNING] = sum_ns;
}
