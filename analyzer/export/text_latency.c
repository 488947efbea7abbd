/* How long calls took that waited: by operation, object and place. */
#include "export/text_sections.h"

#include "model/format.h"
#include "summary/latency.h"
#include "symbols/stack_text.h"

#define BAR_COLUMNS 40

/* What is less of a place's slowest calls is told together. */
#define LEAST_SHARE 0.01
#define SLOW_SHOWN  5

/* Fewer calls are no distribution. */
#define HISTOGRAM_MIN 8

static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};

static char *duration_text(double time_ns)
{
    return ct_format_duration(ct_rounded(time_ns));
}

static const char *op_name(const struct ct_latency_row *row)
{
    if (row->call_name)
        return row->call_name;
    return row->op == CT_OP_NONE ? "an operation unknown to this version" : ct_op_name(row->op);
}

/* ---- Tables ---- */

static void add_numbers(struct ct_text_table *table, const struct ct_histogram *times)
{
    ct_text_table_take(table, ct_format_count(ct_rounded(ct_histogram_count(times))));
    ct_text_table_take(table, duration_text(ct_histogram_total_ns(times)));
    ct_text_table_take(table, duration_text(ct_histogram_mean_ns(times)));
    for (size_t i = 0; i < G_N_ELEMENTS(quantiles); i++)
        ct_text_table_take(table,
                           ct_format_duration(ct_histogram_quantile_ns(times, quantiles[i])));
    ct_text_table_take(table, ct_format_duration(ct_histogram_max_ns(times)));
}

static const char *name_of(const struct ct_latency_row *row, enum ct_latency_table table)
{
    if (row->is_others)
        return "all others";
    if (table == CT_LATENCY_OPERATIONS)
        return op_name(row);
    return row->object[0] ? row->object : "(nothing that has a name)";
}

static gboolean has_idle_behind(const GPtrArray *rows)
{
    if (rows->len == 0 || ct_latency_row_is_idle(rows->pdata[0]))
        return FALSE;
    for (guint i = 1; i < rows->len; i++)
        if (ct_latency_row_is_idle(rows->pdata[i]))
            return TRUE;
    return FALSE;
}

static void write_table(const struct ct_text_out *out, enum ct_latency_table which,
                        const char *heading, const char *column)
{
    static const char *const columns[] = {"COUNT", "TOTAL", "MEAN",  "P50",
                                          "P90",   "P99",   "P99.9", "MAX"};
    const GPtrArray *rows = out->report->latency->tables[which];
    guint shown = MIN(rows->len, MAX(out->layout->top, 1));
    struct ct_text_table *table = ct_text_table_new("rrrrrrrrw");

    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
        ct_text_table_add(table, columns[i]);
    ct_text_table_add(table, column);
    for (guint i = 0; i < shown; i++) {
        const struct ct_latency_row *row = rows->pdata[i];

        add_numbers(table, row->times);
        ct_text_table_add(table, name_of(row, which));
    }
    ct_text_out_heading(out, "Latency by %s (%u of %u), by the time that calls took%s", heading,
                        shown, rows->len, has_idle_behind(rows) ? ", idle ones last" : "");
    ct_text_table_finish(table, out->text, out->layout->width);
}

/* ---- Places ---- */

static void write_quantiles(const struct ct_text_out *out, const struct ct_histogram *times)
{
    g_autofree char *p50 = ct_format_duration(ct_histogram_quantile_ns(times, 0.5));
    g_autofree char *p90 = ct_format_duration(ct_histogram_quantile_ns(times, 0.9));
    g_autofree char *p99 = ct_format_duration(ct_histogram_quantile_ns(times, 0.99));
    g_autofree char *p999 = ct_format_duration(ct_histogram_quantile_ns(times, 0.999));
    g_autofree char *longest = ct_format_duration(ct_histogram_max_ns(times));

    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "p50 %s, p90 %s, p99 %s, p99.9 %s, max %s%s", p50, p90,
                     p99, p999, longest,
                     ct_histogram_is_exact(times) ? "" : " (percentiles within 0.8 %)");
}

/* A line for each power of two from the shortest to the longest. */
static void write_histogram(const struct ct_text_out *out, const struct ct_histogram *times)
{
    unsigned first = 0, last = CT_HISTOGRAM_OCTAVES - 1;
    double most = 0;

    while (first < last && ct_histogram_octave(times, first) <= 0)
        first++;
    while (last > first && ct_histogram_octave(times, last) <= 0)
        last--;
    for (unsigned octave = first; octave <= last; octave++)
        most = MAX(most, ct_histogram_octave(times, octave));
    for (unsigned octave = first; octave <= last && most > 0; octave++) {
        double count = ct_histogram_octave(times, octave);
        g_autofree char *from = ct_format_duration(octave > 0 ? UINT64_C(1) << octave : 0);
        g_autofree char *number = ct_format_count(ct_rounded(count));
        g_autofree char *bar =
            g_strnfill(MAX((gsize)(BAR_COLUMNS * count / most), count > 0 ? 1 : 0), '#');

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%8s |%-*s| %s", from, BAR_COLUMNS, bar, number);
    }
}

/* "mutex 0x10 (queue_lock), ended by worker-*" */
static char *slow_text(const struct ct_latency_slow *slow)
{
    const char *object = slow->object[0] ? slow->object : ct_class_name(slow->class);

    return slow->waker[0] ? g_strdup_printf("%s, ended by %s", object, slow->waker)
                          : g_strdup(object);
}

static void write_slow(const struct ct_text_out *out, const struct ct_latency_row *row)
{
    g_autofree char *count = ct_format_count(ct_rounded(row->slow_count));
    g_autofree char *from = ct_format_duration(row->slow_from_ns);
    g_autoptr(GString) text = g_string_new(NULL);
    double told_ns = 0;

    if (row->slow_total_ns <= 0)
        return;
    for (guint i = 0; i < MIN(row->slow->len, SLOW_SHOWN); i++) {
        const struct ct_latency_slow *slow = row->slow->pdata[i];
        g_autofree char *what = slow_text(slow);

        if (slow->total_ns < LEAST_SHARE * row->slow_total_ns)
            break;
        g_string_append_printf(text, "%s%.0f %% %s", i > 0 ? "; " : "",
                               100 * slow->total_ns / row->slow_total_ns, what);
        told_ns += slow->total_ns;
    }
    if (row->slow_total_ns - told_ns >= LEAST_SHARE * row->slow_total_ns)
        g_string_append_printf(text, "; %.0f %% others",
                               100 * (row->slow_total_ns - told_ns) / row->slow_total_ns);
    if (row->slow_runnable_ns >= LEAST_SHARE * row->slow_total_ns)
        g_string_append_printf(text, ". Of that time they were in line for a CPU for %.0f %%",
                               100 * MIN(row->slow_runnable_ns / row->slow_total_ns, 1));
    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "slowest 1 %% (%s of %s or more): %s", count, from,
                     text->str);
}

static void write_stack(const struct ct_text_out *out, const struct ct_latency_row *row)
{
    g_autoptr(GPtrArray) frames =
        ct_stack_frames_shown(out->report->symbolizer, row->process, row->stack_id);
    guint shown = MIN(frames->len, out->layout->depth);

    for (guint i = 0; i < shown; i++)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s", (const char *)frames->pdata[i]);
    if (shown < frames->len && shown > 0)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "... and %u callers", frames->len - shown);
}

static void write_place(const struct ct_text_out *out, const struct ct_latency_row *row,
                        guint number)
{
    g_autofree char *total = duration_text(ct_histogram_total_ns(row->times));
    g_autofree char *count = ct_format_count(ct_rounded(ct_histogram_count(row->times)));
    g_autofree char *mean = duration_text(ct_histogram_mean_ns(row->times));
    g_autofree char *open = ct_format_count(ct_rounded(row->open_count));

    if (row->is_others) {
        ct_text_out_entry(out, total, "%s calls at all other places, %s on average", count, mean);
        return;
    }
    ct_text_out_entry(out, total, "%u. %s, in %s: %s call%s, %s on average%s%s%s", number,
                      op_name(row), row->process->name, count, g_str_equal(count, "1") ? "" : "s",
                      mean, row->open_count > 0 ? "; still waiting at the end: " : "",
                      row->open_count > 0 ? open : "",
                      row->process_count > 1 ? "; in several processes" : "");
    if (ct_histogram_count(row->times) > 1)
        write_quantiles(out, row->times);
    if (ct_histogram_count(row->times) >= HISTOGRAM_MIN)
        write_histogram(out, row->times);
    write_slow(out, row);
    write_stack(out, row);
}

void ct_text_section_latency(const struct ct_text_out *out)
{
    const struct ct_latency *latency = out->report->latency;

    if (!latency || ct_histogram_count(latency->all) <= 0)
        return;
    const GPtrArray *places = latency->tables[CT_LATENCY_PLACES];
    guint shown = MIN(places->len, out->layout->top);

    write_table(out, CT_LATENCY_OPERATIONS, "operation", "OPERATION");
    write_table(out, CT_LATENCY_OBJECTS, "object", "OBJECT");
    ct_text_out_heading(out, "Latency by place (%u of %u)", shown, places->len);
    for (guint i = 0; i < shown; i++)
        write_place(out, places->pdata[i], i + 1);
}
