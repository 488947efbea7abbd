/* A comparison for a terminal: what changed in words, then the tables. */
#include "diff/format.h"

#include "diff/changes.h"
#include "diff/place_names.h"
#include "diff/words.h"
#include "export/text_table.h"
#include "model/model.h"
#include "text/safe_text.h"

#include <math.h>
#include <string.h>

/* Where runs differ so much in length, sums per second may not be what is asked for. */
#define LENGTHS_DIFFER 1.1

/* From so many percent on, it is so many times. */
#define PERCENT_MAX 1000

static void append_field(GString *text, const char *name, const char *value, guint width)
{
    g_string_append_printf(text, "  %-10s  ", name);
    ct_text_append_wrapped(text, value, 14, 14, width);
}

static char *list_runs(const GPtrArray *digests)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < digests->len; i++)
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "",
                               ((const struct ct_digest *)digests->pdata[i])->directory);
    g_autofree char *all = g_string_free(list, FALSE);
    g_autofree char *safe = ct_safe_line(all);

    return digests->len == 1 ? g_strdup(safe) : g_strdup_printf("%u runs: %s", digests->len, safe);
}

static char *describe_per(const struct ct_diff *diff)
{
    g_autofree char *duration = ct_changes_duration(diff);
    const double *took = diff->duration.medians;
    gboolean differ =
        fmax(took[CT_OLD], took[CT_NEW]) > LENGTHS_DIFFER * fmin(took[CT_OLD], took[CT_NEW]);

    switch (diff->per.kind) {
    case CT_PER_SECOND:
        return g_strdup_printf("second; %s%s", duration,
                               differ ? ". If all did the same work, compare per run: --per=run"
                                      : "");
    case CT_PER_RUN:
        return g_strdup_printf("run; %s", duration);
    case CT_PER_REQUEST:
        return g_strdup_printf("request that was answered; %s", duration);
    case CT_PER_UNIT:
    default:
        return g_strdup_printf("unit of work, of %g and %g; %s", diff->per.units[CT_OLD],
                               diff->per.units[CT_NEW], duration);
    }
}

static void append_head(GString *text, const struct ct_diff *diff,
                        const struct ct_diff_layout *layout)
{
    guint width = layout->width;
    g_autofree char *old = list_runs(diff->digests[CT_OLD]);
    g_autofree char *new = list_runs(diff->digests[CT_NEW]);
    g_autofree char *per = describe_per(diff);

    g_string_append(text, "COMPARED\n");
    append_field(text, "old", old, width);
    append_field(text, "new", new, width);
    append_field(text, "per", per, width);
    if (layout->only[0]) {
        g_autofree char *only = ct_safe_line(layout->only);

        append_field(text, "only", only, width);
    }
    for (guint i = 0; i < diff->notes->len; i++) {
        g_autofree char *note = ct_safe_line(diff->notes->pdata[i]);

        append_field(text, "!", note, width);
    }
}

static void append_changes(GString *text, const struct ct_diff *diff, guint width)
{
    g_autoptr(GPtrArray) changes = ct_changes_find(diff);
    g_autofree char *remark = ct_changes_remark(diff, changes);

    g_string_append(text, "\nCHANGES\n");
    for (guint i = 0; i < changes->len; i++) {
        const struct ct_told_change *change = changes->pdata[i];
        g_autofree char *safe = ct_safe_line(change->text);

        g_string_append_printf(text, "  %u. ", i + 1);
        ct_text_append_wrapped(text, safe, 5, 5, width);
    }
    if (remark) {
        g_string_append(text, "  ");
        ct_text_append_wrapped(text, remark, 2, 2, width);
    }
}

static void append_verdicts(GString *text, const GPtrArray *verdicts, guint width)
{
    if (verdicts->len > 0)
        g_string_append(text, "\nFAIL ON\n");
    for (guint i = 0; i < verdicts->len; i++) {
        const struct ct_verdict *verdict = verdicts->pdata[i];
        g_autofree char *gate = ct_safe_line(verdict->gate->text);
        g_autofree char *words = ct_safe_line(verdict->words);
        g_autofree char *line =
            g_strdup_printf("%s: %s: %s", gate, ct_outcome_name(verdict->outcome), words);

        g_string_append(text, "  ");
        ct_text_append_wrapped(text, line, 2, 4, width);
    }
}

/* ---- Tables ---- */

/* "-82 %", "x12", "new", "gone"; and ~ unless it is proven: alone, where it could have been. */
static char *describe_change(const struct ct_diff *diff, const struct ct_change *change,
                             gboolean is_always)
{
    double old = change->medians[CT_OLD], new = change->medians[CT_NEW];
    gboolean has_both = change->counts[CT_OLD] > 0 && change->counts[CT_NEW] > 0;
    const char *mark = change->is_proven ? "" : " ~";

    if (!has_both || (old <= 0 && new <= 0))
        return g_strdup("");
    if (!change->is_proven && !is_always && ct_diff_may_prove(diff))
        return g_strdup("~");
    if (old <= 0 || new <= 0)
        return g_strdup_printf("%s%s", old <= 0 ? "new" : "gone", mark);
    double percent = 100 * (new / old - 1);

    if (percent >= PERCENT_MAX)
        return g_strdup_printf("x%.0f%s", new / old, mark);
    return g_strdup_printf(fabs(percent) < 9.95 ? "%+.1f %%%s" : "%+.0f %%%s", percent, mark);
}

/* What a table is read for: how long answers take, or how much time it is. */
static enum ct_metric first_metric(enum ct_digest_kind kind)
{
    return kind == CT_DIGEST_PEER || kind == CT_DIGEST_SERVER ? CT_METRIC_P99 : CT_METRIC_DELAY;
}

static void add_row(struct ct_text_table *table, const struct ct_diff *diff,
                    const struct ct_diff_row *row)
{
    enum ct_metric first = first_metric(row->kind);
    const struct ct_change *change = &row->changes[first];

    for (int side = 0; side < CT_SIDES; side++)
        ct_text_table_take(table, change->counts[side] > 0
                                      ? ct_words_value(TRUE, change->medians[side])
                                      : g_strdup("-"));
    ct_text_table_take(table, describe_change(diff, change, TRUE));
    for (int metric = 0; metric < CT_METRIC_KIND_COUNT; metric++) {
        if (metric != (int)first)
            ct_text_table_take(table, describe_change(diff, &row->changes[metric], FALSE));
    }
    g_autofree char *name = ct_place_name_shown(row->name);

    if (row->kind == CT_DIGEST_STATE || row->class == CT_CLASS_UNKNOWN)
        ct_text_table_add(table, name);
    else
        ct_text_table_take(table, g_strdup_printf("%s  %s", ct_class_name(row->class), name));
}

/* What never left the CPU is last, and of no interest where anything else is. */
static guint count_timed(const GPtrArray *rows)
{
    guint count = 0;

    while (count < rows->len && ((const struct ct_diff_row *)rows->pdata[count])->weight > 0)
        count++;
    return count > 0 ? count : rows->len;
}

static void append_table(GString *text, const struct ct_diff *diff, enum ct_digest_kind kind,
                         guint width)
{
    const GPtrArray *rows = diff->rows[kind];
    enum ct_metric first = first_metric(kind);
    guint timed = count_timed(rows);
    guint shown = MIN(timed, diff->top);

    if (shown == 0)
        return;
    struct ct_text_table *table = ct_text_table_new("rrrrrrrw");

    g_string_append_printf(text, "\n%s", ct_digest_kind_title(kind));
    if (shown < timed)
        g_string_append_printf(text, " (%u of %u)", shown, timed);
    for (int side = 0; side < CT_SIDES; side++) {
        g_autofree char *name = g_ascii_strup(ct_metric_name(first), -1);

        ct_text_table_take(table, g_strdup_printf("%s %s", side == CT_OLD ? "OLD" : "NEW", name));
    }
    ct_text_table_add(table, "CHANGE");
    for (int metric = 0; metric < CT_METRIC_KIND_COUNT; metric++) {
        if (metric != (int)first)
            ct_text_table_take(table, g_ascii_strup(ct_metric_name((enum ct_metric)metric), -1));
    }
    ct_text_table_add(table, "OF");
    for (guint i = 0; i < shown; i++)
        add_row(table, diff, rows->pdata[i]);
    g_string_append_c(text, '\n');
    ct_text_table_finish(table, text, width);
}

static void append_legend(GString *text, const struct ct_diff *diff, guint width)
{
    const char *per = ct_per_words(&diff->per);
    g_autofree char *legend =
        g_strdup_printf("DELAY is the time that all threads together spent%s%s, and COUNT how "
                        "often; both are medians "
                        "of the runs. MEAN, P50 and P99 are of single waits. ~: not proven, it may "
                        "be chance. Where "
                        "nothing changed, one column of twenty has a row without ~.",
                        per[0] ? ", " : "", per);

    g_string_append(text, "\n");
    ct_text_append_wrapped(text, legend, 0, 0, width);
}

void ct_diff_write_text(const struct ct_diff *diff, const GPtrArray *verdicts,
                        const struct ct_diff_layout *layout, FILE *out)
{
    g_autoptr(GString) text = g_string_new(NULL);

    append_head(text, diff, layout);
    append_changes(text, diff, layout->width);
    append_verdicts(text, verdicts, layout->width);
    for (int kind = 0; kind < CT_DIGEST_CAUSE; kind++)
        append_table(text, diff, (enum ct_digest_kind)kind, layout->width);
    append_legend(text, diff, layout->width);
    fputs(text->str, out);
}
