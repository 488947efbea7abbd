#include "diff/changes.h"

#include "diff/place_names.h"
#include "diff/words.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

/* What is less than this part of the largest change is not told where nothing is proven. */
#define LEAST_SHARE 0.02

static void change_free(void *data)
{
    struct ct_told_change *change = data;

    g_free(change->text);
    g_free(change);
}

static gboolean is_of_answers(const struct ct_diff_row *row)
{
    return row->kind == CT_DIGEST_SERVER || row->kind == CT_DIGEST_PEER;
}

/* What is told of it. */
static const struct ct_change *told_metric(const struct ct_diff_row *row)
{
    return &row->changes[is_of_answers(row) ? CT_METRIC_MEAN : CT_METRIC_DELAY];
}

static char *describe_cause(const struct ct_diff_row *row)
{
    if (is_of_answers(row))
        return g_strdup_printf(row->kind == CT_DIGEST_SERVER ? "Requests at %s" : "Calls to %s",
                               row->name);
    switch (row->class) {
    case CT_CLASS_RUNNING:
        return g_strdup("Running");
    case CT_CLASS_RUNNABLE:
        return g_strdup("In line for a CPU (runnable)");
    default:
        break;
    }
    if (strcmp(row->name, ct_class_name(row->class)) == 0)
        return g_strdup_printf("Off the CPU in no call (%s)", row->name);
    gboolean is_lock = row->detail[0] || strstr(row->name, CT_PLACE_NAMES_USED);
    g_autofree char *name = ct_place_name_shown(row->name);
    g_autofree char *detail = ct_place_name_shown(row->detail);
    char *text = g_strdup_printf("%s waiting %s %s%s%s", ct_class_name(row->class),
                                 is_lock ? "for" : "in", name, detail[0] ? ", in " : "", detail);

    *text = g_ascii_toupper(*text);
    return text;
}

/* "2.07 s -> 110 ms a second, 19 times less". */
static char *describe_values(const struct ct_change *change, const char *per)
{
    g_autofree char *old = ct_words_value(TRUE, change->medians[CT_OLD]);
    g_autofree char *new = ct_words_value(TRUE, change->medians[CT_NEW]);
    g_autofree char *direction =
        ct_words_direction(change->medians[CT_OLD], change->medians[CT_NEW]);

    return g_strdup_printf("%s -> %s%s%s, %s", old, new, per[0] ? " " : "", per, direction);
}

static char *describe_proof(const struct ct_change *change)
{
    g_autofree char *interval = ct_words_interval(TRUE, &change->shift);
    g_autofree char *p = ct_words_p(change->p);

    if (!change->is_proven)
        return g_strdup("~");
    return g_strdup_printf("(%s%s%s)", interval, interval[0] ? "; " : "", p);
}

static struct ct_told_change *tell(const struct ct_diff *diff, const struct ct_diff_row *row)
{
    const struct ct_change *change = told_metric(row);
    const struct ct_change *delay = &row->changes[CT_METRIC_DELAY];
    struct ct_told_change *told = g_new0(struct ct_told_change, 1);
    g_autofree char *cause = describe_cause(row);
    g_autofree char *values =
        describe_values(change, is_of_answers(row) ? "on average" : ct_per_words(&diff->per));
    g_autofree char *proof = describe_proof(change);

    told->row = row;
    told->is_proven = change->is_proven;
    told->cost = delay->medians[CT_NEW] - delay->medians[CT_OLD];
    told->text = g_strdup_printf("%s: %s %s", cause, values, proof);
    return told;
}

static int compare_costs(const void *a, const void *b)
{
    const struct ct_told_change *first = *(struct ct_told_change *const *)a;
    const struct ct_told_change *second = *(struct ct_told_change *const *)b;
    double more = fabs(first->cost), less = fabs(second->cost);

    if (more < less || more > less)
        return more < less ? 1 : -1;
    return strcmp(first->row->name, second->row->name);
}

static gboolean is_told(const struct ct_diff *diff, const struct ct_diff_row *row)
{
    const struct ct_change *change = told_metric(row);

    if (strcmp(row->name, CT_DIGEST_IDLE) == 0 ||
        (is_of_answers(row) && (!change->counts[CT_OLD] || !change->counts[CT_NEW])))
        return FALSE;
    return ct_diff_may_prove(diff) ? change->is_proven
                                   : change->medians[CT_OLD] < change->medians[CT_NEW] ||
                                         change->medians[CT_OLD] > change->medians[CT_NEW];
}

GPtrArray *ct_changes_find(const struct ct_diff *diff)
{
    GPtrArray *changes = g_ptr_array_new_with_free_func(change_free);
    static const enum ct_digest_kind told[] = {CT_DIGEST_CAUSE, CT_DIGEST_SERVER, CT_DIGEST_PEER};

    for (size_t kind = 0; kind < G_N_ELEMENTS(told); kind++) {
        const GPtrArray *rows = diff->rows[told[kind]];

        for (guint i = 0; i < rows->len; i++) {
            if (is_told(diff, rows->pdata[i]))
                g_ptr_array_add(changes, tell(diff, rows->pdata[i]));
        }
    }
    g_ptr_array_sort(changes, compare_costs);
    for (guint i = changes->len; i-- > 0 && !ct_diff_may_prove(diff);) {
        const struct ct_told_change *first = changes->pdata[0], *change = changes->pdata[i];

        if (fabs(change->cost) < LEAST_SHARE * fabs(first->cost))
            g_ptr_array_remove_index(changes, i);
    }
    if (changes->len > CT_CHANGES_MAX)
        g_ptr_array_set_size(changes, CT_CHANGES_MAX);
    return changes;
}

/* So many runs a side prove something, of both alike. */
static guint runs_needed(void)
{
    guint runs = 1;

    while (ct_rank_test_least(runs, runs, FALSE) > CT_ALPHA)
        runs++;
    return runs;
}

char *ct_changes_remark(const struct ct_diff *diff, const GPtrArray *changes)
{
    guint old = diff->digests[CT_OLD]->len, new = diff->digests[CT_NEW]->len;

    if (diff->rows[CT_DIGEST_STATE]->len == 0 && diff->rows[CT_DIGEST_STACK]->len == 0)
        return g_strdup("Neither side has anything of what is asked for.");
    if (!ct_diff_may_prove(diff))
        return g_strdup_printf(
            "%s: what is marked ~ may be chance. Record each side %u times or more, and name "
            "them all: ctrace diff OLD1,OLD2,... NEW1,NEW2,...",
            old == 1 && new == 1 ? "One run a side proves nothing" : "So few runs prove nothing",
            runs_needed());
    return changes->len > 0 ? NULL : g_strdup("Nothing changed that these runs can prove.");
}

char *ct_changes_duration(const struct ct_diff *diff)
{
    g_autofree char *values = describe_values(&diff->duration, "");

    return g_strdup_printf("the runs took %s%s", values, diff->duration.is_proven ? "" : " ~");
}
