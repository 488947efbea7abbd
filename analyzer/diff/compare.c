#include "diff/compare.h"

#include "diff/place_names.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

/* What idle time weighs of its own: nobody waits for it. */
#define IDLE_WEIGHT 0.01

static const struct {
    const char *name;
    gboolean is_time;
    gboolean is_divided;
} metrics[] = {
#define CT_METRIC_ENTRY(symbol, name, is_time, is_divided) {name, is_time, is_divided},
    CT_METRICS(CT_METRIC_ENTRY)
#undef CT_METRIC_ENTRY
};

const char *ct_metric_name(enum ct_metric metric)
{
    return metrics[metric].name;
}

gboolean ct_metric_is_time(enum ct_metric metric)
{
    return metrics[metric].is_time;
}

gboolean ct_metric_is_divided(enum ct_metric metric)
{
    return metrics[metric].is_divided;
}

/* ---- What cannot be compared ---- */

static gboolean has_layer(const struct ct_digest *digest, const char *layer)
{
    g_auto(GStrv) layers = g_strsplit(digest->layers, ",", -1);

    return g_strv_contains((const char *const *)layers, layer);
}

/* One that some runs have, and others have not. */
static gboolean is_mixed(const struct ct_diff *diff, const char *layer)
{
    guint with = 0, all = 0;

    for (int side = 0; side < CT_SIDES; side++) {
        for (guint i = 0; i < diff->digests[side]->len; i++, all++)
            with += has_layer(diff->digests[side]->pdata[i], layer);
    }
    return with > 0 && with < all;
}

/* Those that lack the layer: "a, b and 3 more". */
static char *list_lacking(const struct ct_diff *diff, const char *layer)
{
    GString *list = g_string_new(NULL);
    guint count = 0;

    for (int side = 0; side < CT_SIDES; side++) {
        for (guint i = 0; i < diff->digests[side]->len; i++) {
            const struct ct_digest *digest = diff->digests[side]->pdata[i];

            if (!has_layer(digest, layer) && count++ < 2)
                g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", digest->directory);
        }
    }
    if (count > 2)
        g_string_append_printf(list, " and %u more", count - 2);
    return g_string_free(list, FALSE);
}

static void note_layers(struct ct_diff *diff)
{
    if (is_mixed(diff, "kernel")) {
        g_autofree char *list = list_lacking(diff, "kernel");

        diff->is_by_length = TRUE;
        g_ptr_array_add(
            diff->notes,
            g_strdup_printf("The kernel layer is not in all runs (not in %s): running, runnable, "
                            "other and unknown are left out, and times of waits are whole ones, "
                            "until their threads went on. Record all alike.",
                            list));
    }
    if (is_mixed(diff, "preload")) {
        g_autofree char *list = list_lacking(diff, "preload");

        g_ptr_array_add(
            diff->notes,
            g_strdup_printf("Not all runs were recorded from inside of the program (not %s): peers "
                            "and requests are left out, and what waits are called may differ.",
                            list));
    }
}

static void note_rates(struct ct_diff *diff)
{
    uint64_t least_ns = UINT64_MAX, most_ns = 0;

    for (int side = 0; side < CT_SIDES; side++) {
        for (guint i = 0; i < diff->digests[side]->len; i++) {
            const struct ct_digest *digest = diff->digests[side]->pdata[i];

            least_ns = MIN(least_ns, digest->rate_ns);
            most_ns = MAX(most_ns, digest->rate_ns);
        }
    }
    if (least_ns != most_ns)
        g_ptr_array_add(diff->notes,
                        g_strdup_printf("The runs were recorded at different rates: of waits below "
                                        "%" G_GUINT64_FORMAT " us, counts and percentiles are "
                                        "estimates in some of them, and exact in others.",
                                        (most_ns + 999) / 1000));
}

/* What is only told by a layer that not all runs have. */
static gboolean is_comparable(const struct ct_diff *diff, gboolean lacks_preload,
                              const struct ct_digest_row *row)
{
    static const enum ct_class by_kernel[] = {CT_CLASS_RUNNING, CT_CLASS_RUNNABLE, CT_CLASS_OTHER,
                                              CT_CLASS_UNKNOWN};

    if (lacks_preload && (row->kind == CT_DIGEST_PEER || row->kind == CT_DIGEST_SERVER))
        return FALSE;
    if (row->kind == CT_DIGEST_CAUSE && strcmp(row->name, CT_DIGEST_IDLE) == 0)
        return TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(by_kernel) && diff->is_by_length; i++) {
        if (row->class == by_kernel[i])
            return FALSE;
    }
    return TRUE;
}

/* ---- Rows ---- */

static void row_free(void *data)
{
    struct ct_diff_row *row = data;

    for (int side = 0; side < CT_SIDES; side++)
        g_free(row->values[side]);
    g_free(row);
}

/* A run that does not have the row has none of it, and no percentiles. */
static double *new_values(guint runs)
{
    double *values = g_new0(double, CT_METRIC_KIND_COUNT *runs);

    for (guint metric = 0; metric < CT_METRIC_KIND_COUNT; metric++) {
        for (guint run = 0; run < runs && !metrics[metric].is_divided; run++)
            values[metric * runs + run] = NAN;
    }
    return values;
}

static struct ct_diff_row *find_row(struct ct_diff *diff, GHashTable *index,
                                    const struct ct_digest_row *of)
{
    char *key = g_strdup_printf("%d %d %s", (int)of->kind, (int)of->class, of->name);
    struct ct_diff_row *row = g_hash_table_lookup(index, key);

    if (row) {
        g_free(key);
        return row;
    }
    row = g_new0(struct ct_diff_row, 1);
    row->kind = of->kind;
    row->class = of->class;
    row->name = of->name;
    row->detail = of->detail;
    for (int side = 0; side < CT_SIDES; side++)
        row->values[side] = new_values(diff->digests[side]->len);
    g_ptr_array_add(diff->rows[of->kind], row);
    g_hash_table_insert(index, key, row);
    return row;
}

/* Sums for the weight of a row, while its values are set. */
static void add_values(const struct ct_diff *diff, struct ct_diff_row *row, enum ct_side side,
                       guint run, const struct ct_digest_row *of, double divisor)
{
    guint runs = diff->digests[side]->len;
    double *values = row->values[side];
    double delay_ns = diff->is_by_length ? of->length_ns : of->delay_ns;
    double idle_ns = of->delay_ns > 0 ? delay_ns * (of->idle_ns / of->delay_ns) : 0;

    values[CT_METRIC_COUNT * runs + run] = of->count / divisor;
    values[CT_METRIC_DELAY * runs + run] = delay_ns / divisor;
    row->weight += (delay_ns - idle_ns + IDLE_WEIGHT * idle_ns) / divisor;
    if (of->count <= 0)
        return;
    values[CT_METRIC_MEAN * runs + run] = of->length_ns / of->count;
    values[CT_METRIC_P50 * runs + run] = of->p50_ns;
    values[CT_METRIC_P99 * runs + run] = of->p99_ns;
}

static gboolean add_run(struct ct_diff *diff, GHashTable *index, enum ct_side side, guint run,
                        GError **error)
{
    const struct ct_digest *digest = diff->digests[side]->pdata[run];
    double divisor = ct_per_divisor(&diff->per, side, digest);
    gboolean lacks_preload = is_mixed(diff, "preload");

    if (divisor <= 0) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    diff->per.kind == CT_PER_REQUEST
                        ? "'%s' has no requests to compare per (ctrace report requests): give a "
                          "count by --per=N"
                        : "'%s' has no length: nothing in it can be compared per second",
                    digest->directory);
        return FALSE;
    }
    for (guint i = 0; i < digest->rows->len; i++) {
        const struct ct_digest_row *of = digest->rows->pdata[i];

        if (is_comparable(diff, lacks_preload, of))
            add_values(diff, find_row(diff, index, of), side, run, of, divisor);
    }
    diff->durations[side].values[run] = (double)digest->duration_ns;
    diff->durations[side].count = run + 1;
    return TRUE;
}

/* ---- Changes ---- */

struct ct_values ct_diff_values(const struct ct_diff *diff, const struct ct_diff_row *row,
                                enum ct_metric metric, enum ct_side side)
{
    guint runs = diff->digests[side]->len;
    struct ct_values sample = {0};

    for (guint run = 0; run < MIN(runs, CT_VALUES_MAX); run++) {
        double value = row->values[side][metric * runs + run];

        if (!isnan(value))
            sample.values[sample.count++] = value;
    }
    return sample;
}

static struct ct_change describe(const struct ct_values *old, const struct ct_values *new)
{
    return (struct ct_change){
        .medians = {ct_values_median(old), ct_values_median(new)},
        .counts = {old->count, new->count},
        .p = 1,
    };
}

static void test(struct ct_change *change, const struct ct_values *old, const struct ct_values *new)
{
    change->is_tested = old->count > 0 && new->count > 0;
    change->shift = ct_shift_estimate(old, new);
    change->p = ct_rank_test(old, new).p;
}

/* Each column of a table is a family of tests of its own. */
static void judge(const struct ct_diff *diff, GPtrArray *rows, enum ct_metric metric)
{
    guint tested = MIN(rows->len, diff->top);
    g_autofree double *p = g_new0(double, tested + 1);
    g_autofree double *weights = g_new0(double, tested + 1);
    g_autofree gboolean *is_proven = g_new0(gboolean, tested + 1);

    for (guint i = 0; i < rows->len; i++) {
        struct ct_diff_row *row = rows->pdata[i];
        struct ct_change *change = &row->changes[metric];
        const struct ct_values old = ct_diff_values(diff, row, metric, CT_OLD);
        const struct ct_values new = ct_diff_values(diff, row, metric, CT_NEW);

        *change = describe(&old, &new);
        if (i >= tested)
            continue;
        test(change, &old, &new);
        p[i] = change->p;
        weights[i] = change->is_tested ? sqrt(row->weight) : 0;
    }
    ct_holm(p, weights, tested, is_proven);
    for (guint i = 0; i < tested; i++)
        ((struct ct_diff_row *)rows->pdata[i])->changes[metric].is_proven = is_proven[i];
}

static int compare_rows(const void *a, const void *b)
{
    const struct ct_diff_row *first = *(struct ct_diff_row *const *)a;
    const struct ct_diff_row *second = *(struct ct_diff_row *const *)b;

    if (first->weight < second->weight || first->weight > second->weight)
        return first->weight < second->weight ? 1 : -1;
    if (first->class != second->class)
        return first->class < second->class ? -1 : 1;
    return strcmp(first->name, second->name);
}

/* Nothing of it took any time, or happened. */
static gboolean is_nothing(const struct ct_diff *diff, const struct ct_diff_row *row)
{
    for (int side = 0; side < CT_SIDES; side++) {
        guint runs = diff->digests[side]->len;

        for (guint run = 0; run < runs; run++) {
            if (row->values[side][CT_METRIC_DELAY * runs + run] > 0 ||
                row->values[side][CT_METRIC_COUNT * runs + run] > 0)
                return FALSE;
        }
    }
    return TRUE;
}

static void finish_kind(const struct ct_diff *diff, GPtrArray *rows)
{
    for (guint i = rows->len; i-- > 0;) {
        if (is_nothing(diff, rows->pdata[i]))
            g_ptr_array_remove_index(rows, i);
    }
    g_ptr_array_sort(rows, compare_rows);
    for (int metric = 0; metric < CT_METRIC_KIND_COUNT; metric++)
        judge(diff, rows, (enum ct_metric)metric);
}

static void judge_duration(struct ct_diff *diff)
{
    diff->duration = describe(&diff->durations[CT_OLD], &diff->durations[CT_NEW]);
    test(&diff->duration, &diff->durations[CT_OLD], &diff->durations[CT_NEW]);
    diff->duration.is_proven = diff->duration.p <= CT_ALPHA;
}

gboolean ct_diff_may_prove(const struct ct_diff *diff)
{
    return diff->least_p <= CT_ALPHA;
}

GPtrArray *ct_diff_find(const struct ct_diff *diff, enum ct_digest_kind kind, const char *name)
{
    const GPtrArray *rows = diff->rows[kind];
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < rows->len; i++) {
        if (strcmp(((const struct ct_diff_row *)rows->pdata[i])->name, name) == 0)
            g_ptr_array_add(found, rows->pdata[i]);
    }
    gboolean is_whole = found->len > 0;

    for (guint i = 0; i < rows->len && !is_whole; i++) {
        g_autofree char *shown =
            ct_place_name_shown(((const struct ct_diff_row *)rows->pdata[i])->name);

        if (strcmp(shown, name) == 0)
            g_ptr_array_add(found, rows->pdata[i]);
    }
    return found;
}

struct ct_diff *ct_diff_new(GPtrArray *const digests[CT_SIDES], const struct ct_per *per, guint top,
                            GError **error)
{
    g_autoptr(ct_diff) diff = g_new0(struct ct_diff, 1);
    g_autoptr(GHashTable) index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    diff->per = *per;
    diff->top = top;
    diff->notes = g_ptr_array_new_with_free_func(g_free);
    for (int kind = 0; kind < CT_DIGEST_KIND_COUNT; kind++)
        diff->rows[kind] = g_ptr_array_new_with_free_func(row_free);
    for (int side = 0; side < CT_SIDES; side++)
        diff->digests[side] = g_ptr_array_ref(digests[side]);
    note_layers(diff);
    note_rates(diff);
    for (int side = 0; side < CT_SIDES; side++) {
        for (guint run = 0; run < diff->digests[side]->len; run++) {
            if (!add_run(diff, index, (enum ct_side)side, run, error))
                return NULL;
        }
    }
    diff->least_p =
        ct_rank_test_least(diff->digests[CT_OLD]->len, diff->digests[CT_NEW]->len, FALSE);
    judge_duration(diff);
    for (int kind = 0; kind < CT_DIGEST_KIND_COUNT; kind++)
        finish_kind(diff, diff->rows[kind]);
    return g_steal_pointer(&diff);
}

void ct_diff_free(struct ct_diff *diff)
{
    if (!diff)
        return;
    for (int kind = 0; kind < CT_DIGEST_KIND_COUNT; kind++)
        g_ptr_array_unref(diff->rows[kind]);
    for (int side = 0; side < CT_SIDES; side++)
        g_ptr_array_unref(diff->digests[side]);
    g_ptr_array_unref(diff->notes);
    g_free(diff);
}
