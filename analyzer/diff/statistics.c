#include "diff/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static double median_of(double *values, guint count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double ct_values_median(const struct ct_values *sample)
{
    struct ct_values sorted = *sample;

    return sample->count ? median_of(sorted.values, sorted.count) : 0;
}

/* ---- Ranks ---- */

#define ALL_MAX (2 * CT_VALUES_MAX)

/* Twice the rank of each value among all, so that the mean of two is a whole number. */
struct ranks {
    guint all_count;
    guint new_count;
    guint doubled[ALL_MAX];
    guint new_sum;
};

struct ranked {
    double value;
    gboolean is_new;
};

static int compare_ranked(const void *a, const void *b)
{
    return compare_doubles(&((const struct ranked *)a)->value, &((const struct ranked *)b)->value);
}

static struct ranks rank(const struct ct_values *old, const struct ct_values *new)
{
    struct ranks ranks = {.all_count = old->count + new->count, .new_count = new->count};
    struct ranked all[ALL_MAX];

    for (guint i = 0; i < old->count; i++)
        all[i] = (struct ranked){old->values[i], FALSE};
    for (guint i = 0; i < new->count; i++)
        all[old->count + i] = (struct ranked){new->values[i], TRUE};
    qsort(all, ranks.all_count, sizeof(all[0]), compare_ranked);
    for (guint begin = 0, end; begin < ranks.all_count; begin = end) {
        for (end = begin + 1; end < ranks.all_count && all[end].value <= all[begin].value;)
            end++;
        for (guint i = begin; i < end; i++) {
            ranks.doubled[i] = begin + 1 + end;
            ranks.new_sum += all[i].is_new ? ranks.doubled[i] : 0;
        }
    }
    return ranks;
}

/* In how many ways so many of the ranks have each sum: of `sum + 1` elements. The counts are too
 * large for integers, and no two of them differ by what a double leaves out. */
static double *count_ways(const struct ranks *ranks, guint *sum)
{
    guint highest = 0;

    for (guint i = 0; i < ranks->all_count; i++)
        highest += ranks->doubled[i];
    size_t row = (size_t)highest + 1;
    double *ways = g_new0(double, (ranks->new_count + 1) * row);

    ways[0] = 1;
    for (guint i = 0; i < ranks->all_count; i++) {
        const guint *doubled = ranks->doubled;
        guint most = MIN(i + 1, ranks->new_count);
        guint lows[ALL_MAX + 1] = {0}, highs[ALL_MAX + 1] = {0};

        /* So many of the first ranks have no other sums. */
        for (guint taken = 1; taken <= most; taken++) {
            lows[taken] = lows[taken - 1] + doubled[taken - 1];
            highs[taken] = highs[taken - 1] + doubled[i + 1 - taken];
        }
        for (guint taken = most; taken > 0; taken--) {
            double *with = ways + taken * row;
            const double *without = with - row;

            for (guint at = MAX(lows[taken], doubled[i]); at <= highs[taken]; at++)
                with[at] += without[at - doubled[i]];
        }
    }
    memmove(ways, ways + ranks->new_count * row, row * sizeof(*ways));
    *sum = highest;
    return ways;
}

struct ct_rank_test ct_rank_test(const struct ct_values *old, const struct ct_values *new)
{
    struct ct_rank_test test = {1, 1, 1};
    double all = 0, higher = 0, lower = 0;
    guint sum;

    if (old->count == 0 || new->count == 0)
        return test;
    const struct ranks ranks = rank(old, new);
    g_autofree double *ways = count_ways(&ranks, &sum);

    for (guint at = 0; at <= sum; at++) {
        all += ways[at];
        higher += at >= ranks.new_sum ? ways[at] : 0;
        lower += at <= ranks.new_sum ? ways[at] : 0;
    }
    test.p_higher = higher / all;
    test.p_lower = lower / all;
    test.p = MIN(2 * MIN(test.p_higher, test.p_lower), 1);
    return test;
}

double ct_rank_test_least(guint old_count, guint new_count, gboolean is_one_sided)
{
    double ways = 1;

    if (old_count == 0 || new_count == 0)
        return 1;
    for (guint i = 1; i <= new_count; i++)
        ways *= (double)(old_count + i) / i;
    return MIN((is_one_sided ? 1 : 2) / ways, 1);
}

/* ---- How much ---- */

/* How many of the differences on either side the interval leaves out; 0: it has no end. */
static guint count_outside(guint old_count, guint new_count)
{
    struct ct_values old = {.count = old_count}, new = {.count = new_count};
    double all = 0, below = 0;
    guint outside = 0, sum;

    for (guint i = 0; i < old_count; i++)
        old.values[i] = i;
    for (guint i = 0; i < new_count; i++)
        new.values[i] = old_count + i;
    const struct ranks ranks = rank(&old, &new);
    g_autofree double *ways = count_ways(&ranks, &sum);
    guint least = new_count * (new_count + 1);

    for (guint at = least; at <= sum; at++)
        all += ways[at];
    /* U is the sum of the ranks less the least one; ranks are doubled here. */
    while (least + 2 * outside <= sum) {
        below += ways[least + 2 * outside];
        if (below > CT_ALPHA / 2 * all)
            break;
        outside++;
    }
    return outside;
}

struct ct_shift ct_shift_estimate(const struct ct_values *old, const struct ct_values *new)
{
    struct ct_shift shift = {0};
    guint count = old->count * new->count;

    if (count == 0)
        return shift;
    g_autofree double *differences = g_new(double, count);
    guint outside = count_outside(old->count, new->count);

    for (guint i = 0; i < old->count; i++) {
        for (guint j = 0; j < new->count; j++)
            differences[i * new->count + j] = new->values[j] - old->values[i];
    }
    shift.estimate = median_of(differences, count);
    shift.has_interval = outside > 0;
    shift.low = outside > 0 ? differences[outside - 1] : -INFINITY;
    shift.high = outside > 0 ? differences[count - outside] : INFINITY;
    return shift;
}

double ct_sign_test(const struct ct_values *sample, double limit, gboolean is_above)
{
    double way = 1, beyond = 0, all = 0;
    guint hits = 0;

    for (guint i = 0; i < sample->count; i++)
        hits += is_above ? sample->values[i] > limit : sample->values[i] < limit;
    for (guint i = 0; i <= sample->count; i++) {
        all += way;
        beyond += i >= hits ? way : 0;
        way *= (double)(sample->count - i) / (i + 1);
    }
    return beyond / all;
}

/* ---- Many at once ---- */

struct candidate {
    double strength; /* p for its weight */
    double p;
    double weight;
    guint index;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *first = a, *second = b;
    int order = compare_doubles(&first->strength, &second->strength);

    return order ? order : (first->index > second->index) - (first->index < second->index);
}

void ct_holm(const double *p, const double *weights, guint count, gboolean *is_proven)
{
    g_autofree struct candidate *candidates = g_new(struct candidate, count + 1);
    double left = 0;

    for (guint i = 0; i < count; i++) {
        double weight = weights[i] > 0 ? weights[i] : 0;

        candidates[i] = (struct candidate){weight > 0 ? p[i] / weight : INFINITY, p[i], weight, i};
        is_proven[i] = FALSE;
        left += weight;
    }
    qsort(candidates, count, sizeof(*candidates), compare_candidates);
    for (guint i = 0; i < count && candidates[i].weight > 0; i++) {
        if (candidates[i].p * left > CT_ALPHA * candidates[i].weight * (1 + 1e-9))
            return;
        is_proven[candidates[i].index] = TRUE;
        left -= candidates[i].weight;
    }
}
