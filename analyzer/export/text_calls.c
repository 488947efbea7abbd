/* How often each call was made, and how long it took: exact counts. */
#include "export/text_sections.h"

#include "model/format.h"

struct calls {
    enum ct_op op;
    struct ct_op_counters counters; /* over all processes */
};

static int compare_calls(const void *a, const void *b)
{
    const struct calls *first = a;
    const struct calls *second = b;

    if (first->counters.total_ns != second->counters.total_ns)
        return first->counters.total_ns < second->counters.total_ns ? 1 : -1;
    return (first->op > second->op) - (first->op < second->op);
}

static void sum_up(const struct ct_report *report, struct calls *calls)
{
    for (size_t op = 0; op < CT_OP_COUNT; op++) {
        calls[op].op = (enum ct_op)op;
        for (guint i = 0; i < report->processes->len; i++) {
            const struct ct_op_counters *counters =
                ct_process_counters(report->processes->pdata[i], (enum ct_op)op);

            if (counters)
                ct_op_counters_add(&calls[op].counters, counters);
        }
    }
    qsort(calls, CT_OP_COUNT, sizeof(calls[0]), compare_calls);
}

static void write_heading(const struct ct_text_out *out)
{
    uint64_t open_count = out->report->lists->open_count;
    g_autofree char *count = ct_format_count(open_count);
    g_autofree char *note =
        open_count > 0 ? g_strdup_printf("; %s not ended, up to the end", count) : g_strdup("");

    ct_text_out_heading(out, "Calls, counted exactly (of locks: those that had to wait%s)", note);
}

void ct_text_section_calls(const struct ct_text_out *out)
{
    struct calls calls[CT_OP_COUNT] = {0};
    static const char *const headings[] = {"OPERATION", "CALLS", "TOTAL", "MEAN", "~P50", "~P99"};
    gboolean has_calls = FALSE;

    if (!ct_report_has_calls(out->report))
        return;
    sum_up(out->report, calls);
    for (size_t i = 0; i < CT_OP_COUNT; i++)
        has_calls = has_calls || calls[i].counters.calls > 0;
    if (!has_calls)
        return;
    write_heading(out);
    struct ct_text_table *table = ct_text_table_new("lrrrrr");

    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (size_t i = 0; i < CT_OP_COUNT; i++) {
        const struct ct_op_counters *counters = &calls[i].counters;

        if (counters->calls == 0)
            continue;
        ct_text_table_add(table, ct_op_name(calls[i].op));
        ct_text_table_take(table, ct_format_count(counters->calls));
        ct_text_table_take(table, ct_format_duration(counters->total_ns));
        ct_text_table_take(table, ct_format_duration(counters->total_ns / counters->calls));
        ct_text_table_take(table, ct_format_duration(ct_op_counters_quantile_ns(counters, 0.5)));
        ct_text_table_take(table, ct_format_duration(ct_op_counters_quantile_ns(counters, 0.99)));
    }
    ct_text_table_finish(table, out->text, out->layout->width);
}
