#include "trend/change.h"

#include <math.h>
#include <string.h>

/* Of "2026-01-31 14:05:00": what a day is, and without what is between the numbers. */
#define DAY_LENGTH   10
#define DIGITS_MAX   14
#define DIGITS_LEAST 4

/* Places that never had so much of either side are not compared: tests of them all would leave
 * nothing proven. */
#define SHARE_LEAST 0.001
#define PLACES_MAX  1000

static void side_clear(struct ct_trend_side *side)
{
    g_free(side->name);
    if (side->points)
        g_array_unref(side->points);
}

void ct_trend_changes_free(struct ct_trend_changes *changes)
{
    if (!changes)
        return;
    side_clear(&changes->sides[0]);
    side_clear(&changes->sides[1]);
    g_array_unref(changes->changes);
    g_free(changes);
}

/* ---- The sides ---- */

static void digits_of(const char *text, char digits[DIGITS_MAX + 1])
{
    size_t count = 0;

    for (; *text && count < DIGITS_MAX; text++)
        if (g_ascii_isdigit(*text))
            digits[count++] = *text;
    digits[count] = '\0';
}

static char *time_of(const struct ct_trend *trend, guint point)
{
    return ct_trend_time(((const struct ct_trend_point *)trend->points->pdata[point])->time_ns);
}

/* All profiles whose time begins so. */
static struct ct_trend_side side_of(const struct ct_trend *trend, const char *name)
{
    struct ct_trend_side side = {g_strdup(name), g_array_new(FALSE, FALSE, sizeof(guint))};
    char wanted[DIGITS_MAX + 1];

    digits_of(name, wanted);
    for (guint i = 0; i < trend->points->len; i++) {
        g_autofree char *time = time_of(trend, i);
        char digits[DIGITS_MAX + 1];

        digits_of(time, digits);
        if (g_str_has_prefix(digits, wanted))
            g_array_append_val(side.points, i);
    }
    return side;
}

static struct ct_trend_side side_between(const struct ct_trend *trend, guint begin, guint end)
{
    struct ct_trend_side side = {NULL, g_array_new(FALSE, FALSE, sizeof(guint))};

    for (guint i = begin; i < end; i++)
        g_array_append_val(side.points, i);
    g_autofree char *first = time_of(trend, begin);
    g_autofree char *last = time_of(trend, MAX(end, begin + 1) - 1);

    side.name = end - begin > 1 ? g_strdup_printf("%s to %s", first, last + DAY_LENGTH + 1)
                                : g_strdup(first);
    return side;
}

static gboolean choose_usual(const struct ct_trend *trend, struct ct_trend_changes *changes,
                             GError **error)
{
    guint count = trend->points->len;
    g_autofree char *first = time_of(trend, 0);
    g_autofree char *last = time_of(trend, count - 1);

    first[MIN(strlen(first), DAY_LENGTH)] = '\0';
    last[MIN(strlen(last), DAY_LENGTH)] = '\0';
    if (count < 2) {
        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_SIDES,
                    "one profile is there: what changed takes two");
        return FALSE;
    }
    if (strcmp(first, last) != 0) {
        changes->sides[0] = side_of(trend, first);
        changes->sides[1] = side_of(trend, last);
    } else {
        changes->sides[0] = side_between(trend, 0, count / 2);
        changes->sides[1] = side_between(trend, count / 2, count);
    }
    return TRUE;
}

static gboolean choose_named(const struct ct_trend *trend, const char *between,
                             struct ct_trend_changes *changes, GError **error)
{
    g_auto(GStrv) names = g_strsplit(between, ",", -1);

    if (g_strv_length(names) != 2) {
        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_SIDES,
                    "%s is not two times with a comma in between, as 2026-01-01,2026-01-08",
                    between);
        return FALSE;
    }
    for (int i = 0; i < 2; i++) {
        char digits[DIGITS_MAX + 1];

        digits_of(names[i], digits);
        changes->sides[i] = side_of(trend, names[i]);
        if (strlen(digits) >= DIGITS_LEAST && changes->sides[i].points->len > 0)
            continue;
        g_autofree char *first = time_of(trend, 0);
        g_autofree char *last = time_of(trend, trend->points->len - 1);

        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_SIDES,
                    "no profile is of %s: they are of %s to %s", names[i], first, last);
        return FALSE;
    }
    return TRUE;
}

/* ---- Places, compared ---- */

/* Of what is in `points` from `begin` to `end`, together. */
static double share_of(const struct ct_trend *trend, const double *shares, const GArray *points,
                       guint begin, guint end)
{
    double amount = 0, total = 0;

    for (guint i = begin; i < end; i++) {
        guint at = g_array_index(points, guint, i);
        double whole = ((const struct ct_trend_point *)trend->points->pdata[at])->total;

        amount += shares[at] * whole;
        total += whole;
    }
    return total > 0 ? amount / total : 0;
}

static gboolean has_samples(const struct ct_trend *trend, const GArray *points, guint begin,
                            guint end)
{
    for (guint i = begin; i < end; i++) {
        guint at = g_array_index(points, guint, i);

        if (((const struct ct_trend_point *)trend->points->pdata[at])->total > 0)
            return TRUE;
    }
    return FALSE;
}

/* Profiles that follow each other are taken together where there are more than a test takes. Where
 * nothing was sampled, nothing has a share: that is no share of 0. */
static struct ct_values values_of(const struct ct_trend *trend, const double *shares,
                                  const struct ct_trend_side *side)
{
    guint count = MIN(side->points->len, CT_VALUES_MAX);
    struct ct_values values = {0};

    for (guint i = 0; i < count; i++) {
        guint begin = (guint)((guint64)i * side->points->len / count);
        guint end = (guint)((guint64)(i + 1) * side->points->len / count);

        if (has_samples(trend, side->points, begin, end))
            values.values[values.count++] = share_of(trend, shares, side->points, begin, end);
    }
    return values;
}

static gboolean compare_place(const struct ct_trend *trend, const struct ct_trend_changes *changes,
                              const struct ct_trend_place *place, struct ct_trend_change *change)
{
    const struct ct_trend_side *old = &changes->sides[0], *new = &changes->sides[1];
    g_autofree double *shares = ct_trend_shares(trend, place);
    guint first = g_array_index(place->amounts, struct ct_trend_amount, 0).point;

    *change = (struct ct_trend_change){
        .place = place,
        .old_share = share_of(trend, shares, old->points, 0, old->points->len),
        .new_share = share_of(trend, shares, new->points, 0, new->points->len),
        .is_new = first > g_array_index(old->points, guint, old->points->len - 1),
        .since_ns = ((const struct ct_trend_point *)trend->points->pdata[first])->time_ns,
    };
    if (fabs(change->old_share) < SHARE_LEAST && fabs(change->new_share) < SHARE_LEAST)
        return FALSE;
    const struct ct_values old_values = values_of(trend, shares, old);
    const struct ct_values new_values = values_of(trend, shares, new);

    change->p = ct_rank_test(&old_values, &new_values).p;
    return TRUE;
}

static int compare_changes(const void *a, const void *b)
{
    const struct ct_trend_change *first = a, *second = b;
    double difference = fabs(first->new_share - first->old_share);
    double other = fabs(second->new_share - second->old_share);

    if (difference != other)
        return difference > other ? -1 : 1;
    return strcmp(first->place->name, second->place->name);
}

/* Weights are of the place in all profiles, which no side decides. */
static void prove(GArray *changes)
{
    g_autofree double *p = g_new(double, MAX(changes->len, 1));
    g_autofree double *weights = g_new(double, MAX(changes->len, 1));
    g_autofree gboolean *is_proven = g_new0(gboolean, MAX(changes->len, 1));

    for (guint i = 0; i < changes->len; i++) {
        const struct ct_trend_change *change = &g_array_index(changes, struct ct_trend_change, i);

        p[i] = change->p;
        weights[i] = MAX(fabs(change->place->mean), SHARE_LEAST);
    }
    ct_holm(p, weights, changes->len, is_proven);
    for (guint i = 0; i < changes->len; i++)
        g_array_index(changes, struct ct_trend_change, i).is_proven = is_proven[i];
}

static guint test_size(const struct ct_trend *trend, const struct ct_trend_side *side)
{
    g_autofree double *shares = g_new0(double, trend->points->len);

    return values_of(trend, shares, side).count;
}

struct ct_trend_changes *ct_trend_changes_new(const struct ct_trend *trend, const char *between,
                                              GError **error)
{
    g_autoptr(ct_trend_changes) changes = g_new0(struct ct_trend_changes, 1);

    changes->changes = g_array_new(FALSE, FALSE, sizeof(struct ct_trend_change));
    if (between ? !choose_named(trend, between, changes, error)
                : !choose_usual(trend, changes, error))
        return NULL;
    for (guint i = 0; i < trend->places->len && changes->changes->len < PLACES_MAX; i++) {
        struct ct_trend_change change;

        if (compare_place(trend, changes, trend->places->pdata[i], &change))
            g_array_append_val(changes->changes, change);
    }
    changes->may_prove = ct_rank_test_least(test_size(trend, &changes->sides[0]),
                                            test_size(trend, &changes->sides[1]), FALSE) < CT_ALPHA;
    prove(changes->changes);
    g_array_sort(changes->changes, compare_changes);
    return g_steal_pointer(&changes);
}

const struct ct_trend_change *ct_trend_changes_find(const struct ct_trend_changes *changes,
                                                    const struct ct_trend_place *place)
{
    for (guint i = 0; i < changes->changes->len; i++) {
        const struct ct_trend_change *change =
            &g_array_index(changes->changes, struct ct_trend_change, i);

        if (change->place == place)
            return change;
    }
    return NULL;
}
