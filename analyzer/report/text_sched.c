#include "report/text_parts.h"

#include "model/format.h"
#include "report/text_table.h"

static int compare_by_line(const void *a, const void *b)
{
    uint64_t first = (*(struct ct_thread *const *)a)->sched.lines.total_ns;
    uint64_t second = (*(struct ct_thread *const *)b)->sched.lines.total_ns;

    return (first < second) - (first > second); /* stable: the model's order decides */
}

static void add_duration(struct ct_text_table *table, uint64_t duration_ns)
{
    ct_text_table_take(table, duration_ns > 0 ? ct_format_duration(duration_ns) : g_strdup("-"));
}

static void add_thread(struct ct_text_table *table, const struct ct_text_report *out,
                       const struct ct_thread *thread)
{
    static const double shares[] = {0.5, 0.95, 0.99};
    const struct ct_thread_sched *sched = &thread->sched;
    const char *rival = ct_report_rival(out->report, thread);

    ct_text_table_take(table, ct_format_clean(thread->name));
    ct_text_table_take(table, g_strdup_printf("%d", thread->tid));
    add_duration(table, sched->lines.total_ns);
    ct_text_table_take(table, ct_format_count(sched->lines.calls));
    for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
        add_duration(table, MIN(ct_op_counters_quantile_ns(&sched->lines, shares[i]),
                                sched->longest_line_ns));
    add_duration(table, sched->longest_line_ns);
    ct_text_table_take(table, ct_format_count(sched->migrations));
    ct_text_table_take(table, ct_format_count(sched->preemptions));
    ct_text_table_take(table, ct_format_clean(rival ? rival : "-"));
}

void ct_text_sched(const struct ct_text_report *out)
{
    static const char *const headings[] = {"THREAD", "TID", "IN LINE", "TIMES",     "P50", "P95",
                                           "P99",    "MAX", "MOVED",   "PREEMPTED", "BY"};
    const struct ct_model *model = out->report->model;
    g_autoptr(GPtrArray) threads = g_ptr_array_new();

    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread *thread = g_ptr_array_index(model->threads, i);

        if (thread->sched.is_known)
            g_ptr_array_add(threads, thread);
    }
    if (threads->len == 0)
        return;
    g_ptr_array_sort(threads, compare_by_line);
    guint limit = MAX(2 * out->report->top, 1);
    guint shown = threads->len <= limit + 1 ? threads->len : limit;
    struct ct_text_table *table = ct_text_table_new("lrrrrrrrrrl");

    ct_text_heading(out, "Waiting for a CPU, by time in line");
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++)
        add_thread(table, out, g_ptr_array_index(threads, i));
    ct_text_table_finish(table, out->text, out->layout->width);
    if (shown < threads->len)
        ct_text_line(out, 2, "and %u more", threads->len - shown);
}
