#include "diff/gate.h"

#include "diff/words.h"
#include "options/nearest.h"

#include <math.h>

static const char *const outcome_names[] = {"passed", "regressed", "cannot tell"};

const char *ct_outcome_name(enum ct_outcome outcome)
{
    return outcome_names[outcome];
}

static void verdict_free(void *data)
{
    struct ct_verdict *verdict = data;

    g_free(verdict->words);
    g_free(verdict);
}

/* The values that a gate is about. */
struct subject {
    struct ct_values sides[CT_SIDES];
    char *missing; /* owned; why there are none; or NULL */
};

/* What has that name, but another class, counts together: of percentiles there is no sum. */
static struct ct_values sum_rows(const struct ct_diff *diff, const GPtrArray *rows,
                                 enum ct_metric metric, enum ct_side side)
{
    struct ct_values sum = ct_diff_values(diff, rows->pdata[0], metric, side);

    for (guint i = 1; i < rows->len; i++) {
        const struct ct_values more = ct_diff_values(diff, rows->pdata[i], metric, side);

        for (guint run = 0; run < sum.count; run++)
            sum.values[run] += more.values[run];
    }
    return sum;
}

static char *describe_missing(const struct ct_diff *diff, const struct ct_gate *gate)
{
    const GPtrArray *rows = diff->rows[gate->kind];
    g_autofree const char **names = g_new0(const char *, rows->len + 1);

    for (guint i = 0; i < rows->len; i++)
        names[i] = ((const struct ct_diff_row *)rows->pdata[i])->name;
    const char *meant = ct_nearest(gate->name, names, rows->len);

    return g_strdup_printf("there is no %s '%s' on either side%s%s%s",
                           ct_digest_kind_name(gate->kind), gate->name,
                           meant ? ": did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static struct subject find_subject(const struct ct_diff *diff, const struct ct_gate *gate)
{
    struct subject subject = {0};

    if (gate->is_duration) {
        subject.sides[CT_OLD] = diff->durations[CT_OLD];
        subject.sides[CT_NEW] = diff->durations[CT_NEW];
        return subject;
    }
    g_autoptr(GPtrArray) rows = ct_diff_find(diff, gate->kind, gate->name);

    if (rows->len == 0) {
        subject.missing = describe_missing(diff, gate);
        return subject;
    }
    if (rows->len > 1 && !ct_metric_is_divided(gate->metric)) {
        subject.missing = g_strdup_printf(
            "'%s' is several, of several states, or functions that are shown alike: "
            "choose one by --class, or by the name that JSON has",
            gate->name);
        return subject;
    }
    for (int side = 0; side < CT_SIDES; side++)
        subject.sides[side] = sum_rows(diff, rows, gate->metric, (enum ct_side)side);
    return subject;
}

/* ---- Judging ---- */

/* What the new side is held against: the old one with what is allowed. */
static struct ct_values allowed(const struct ct_gate *gate, const struct ct_values *old)
{
    struct ct_values moved = *old;

    for (guint i = 0; i < moved.count; i++)
        moved.values[i] = gate->limit_kind == CT_LIMIT_SHARE ? moved.values[i] * gate->limit
                                                             : moved.values[i] + gate->limit;
    return moved;
}

/* How likely the new side is so far beyond the limit by chance, and whether it is beyond it. */
static double hold_against(const struct ct_gate *gate, const struct subject *subject,
                           gboolean *is_beyond, double *least_p)
{
    const struct ct_values *new = &subject->sides[CT_NEW];

    if (gate->limit_kind == CT_LIMIT_VALUE) {
        double median = ct_values_median(new);

        *is_beyond = gate->is_above ? median > gate->limit : median < gate->limit;
        *least_p = exp2(-(double)new->count);
        return ct_sign_test(new, gate->limit, gate->is_above);
    }
    const struct ct_values old = allowed(gate, &subject->sides[CT_OLD]);
    const struct ct_rank_test test = ct_rank_test(&old, new);
    double estimate = ct_shift_estimate(&old, new).estimate;

    *is_beyond = gate->is_above ? estimate > 0 : estimate < 0;
    *least_p = ct_rank_test_least(old.count, new->count, TRUE);
    return gate->is_above ? test.p_higher : test.p_lower;
}

static char *describe_values(const struct ct_gate *gate, const struct subject *subject)
{
    gboolean is_time = gate->is_duration || ct_metric_is_time(gate->metric);
    double values[CT_SIDES] = {ct_values_median(&subject->sides[CT_OLD]),
                               ct_values_median(&subject->sides[CT_NEW])};
    g_autofree char *old = ct_words_value(is_time, values[CT_OLD]);
    g_autofree char *new = ct_words_value(is_time, values[CT_NEW]);
    g_autofree char *direction = ct_words_direction(values[CT_OLD], values[CT_NEW]);

    return g_strdup_printf("%s -> %s, %s", old, new, direction);
}

static gboolean lacks_values(const struct ct_gate *gate, const struct subject *subject)
{
    return subject->sides[CT_NEW].count == 0 ||
           (subject->sides[CT_OLD].count == 0 && gate->limit_kind != CT_LIMIT_VALUE);
}

/* Without its outcome where that depends on the other gates. */
struct judged {
    gboolean is_known;
    gboolean is_beyond;
    double least_p;
    double p;
    char *values; /* owned */
};

static struct judged look(const struct ct_diff *diff, const struct ct_gate *gate)
{
    struct subject subject = find_subject(diff, gate);
    struct judged judged = {.p = 1, .least_p = 1};

    if (subject.missing) {
        judged.values = subject.missing;
    } else if (lacks_values(gate, &subject)) {
        judged.values = g_strdup_printf("there are no such waits on the %s side",
                                        subject.sides[CT_NEW].count == 0 ? "new" : "old");
    } else {
        judged.is_known = TRUE;
        judged.p = hold_against(gate, &subject, &judged.is_beyond, &judged.least_p);
        judged.values = describe_values(gate, &subject);
    }
    return judged;
}

static struct ct_verdict *decide(const struct ct_gate *gate, const struct judged *judged,
                                 gboolean is_proven, guint gates)
{
    struct ct_verdict *verdict = g_new0(struct ct_verdict, 1);
    g_autofree char *p = ct_words_p(judged->p);

    verdict->gate = gate;
    verdict->p = judged->p;
    verdict->outcome = CT_CANNOT_TELL;
    if (!judged->is_known) {
        verdict->words = g_strdup(judged->values);
    } else if (is_proven) {
        verdict->outcome = CT_REGRESSED;
        verdict->words = g_strdup_printf("%s (%s)", judged->values, p);
    } else if (judged->least_p * gates > CT_ALPHA) {
        verdict->words = g_strdup_printf("%s: too few runs to prove %s", judged->values,
                                         gates > 1 ? "anything of so many" : "anything");
    } else if (judged->is_beyond) {
        verdict->words =
            g_strdup_printf("%s: beyond the limit, but not proven (%s)", judged->values, p);
    } else {
        verdict->outcome = CT_PASSED;
        verdict->words = g_strdup(judged->values);
    }
    return verdict;
}

GPtrArray *ct_gates_judge(const GPtrArray *gates, const struct ct_diff *diff)
{
    GPtrArray *verdicts = g_ptr_array_new_with_free_func(verdict_free);
    g_autofree struct judged *judged = g_new0(struct judged, gates->len + 1);
    g_autofree double *p = g_new0(double, gates->len + 1);
    g_autofree double *weights = g_new0(double, gates->len + 1);
    g_autofree gboolean *is_proven = g_new0(gboolean, gates->len + 1);

    for (guint i = 0; i < gates->len; i++) {
        judged[i] = look(diff, gates->pdata[i]);
        p[i] = judged[i].p;
        weights[i] = 1;
    }
    ct_holm(p, weights, gates->len, is_proven);
    for (guint i = 0; i < gates->len; i++) {
        g_ptr_array_add(verdicts, decide(gates->pdata[i], &judged[i], is_proven[i], gates->len));
        g_free(judged[i].values);
    }
    return verdicts;
}

enum ct_outcome ct_gates_outcome(const GPtrArray *verdicts)
{
    enum ct_outcome outcome = CT_PASSED;

    for (guint i = 0; i < verdicts->len; i++) {
        const struct ct_verdict *verdict = verdicts->pdata[i];

        if (verdict->outcome == CT_REGRESSED)
            return CT_REGRESSED;
        outcome = verdict->outcome == CT_CANNOT_TELL ? CT_CANNOT_TELL : outcome;
    }
    return outcome;
}
