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

static void add_name(struct ct_text_table *table, const struct ct_thread *thread)
{
    ct_text_table_take(table, ct_format_clean(thread->name));
    ct_text_table_take(table, g_strdup_printf("%d", thread->tid));
}

static void add_lines(struct ct_text_table *table, const struct ct_thread *thread)
{
    static const double shares[] = {0.5, 0.95, 0.99};
    const struct ct_thread_sched *sched = &thread->sched;

    add_name(table, thread);
    add_duration(table, sched->lines.total_ns);
    ct_text_table_take(table, ct_format_count(sched->lines.calls));
    for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
        add_duration(table, ct_sched_line_quantile_ns(sched, shares[i]));
    add_duration(table, sched->longest_line_ns);
}

static void add_moves(struct ct_text_table *table, const struct ct_text_report *out,
                      const struct ct_thread *thread)
{
    const char *rival = ct_report_rival(out->report, thread);

    add_name(table, thread);
    ct_text_table_take(table, ct_format_count(thread->sched.migrations));
    ct_text_table_take(table, ct_format_count(thread->sched.preemptions));
    ct_text_table_take(table, ct_format_clean(rival ? rival : "-"));
}

static struct ct_text_table *begin_table(const char *alignments, const char *const *headings)
{
    struct ct_text_table *table = ct_text_table_new(alignments);

    for (size_t i = 0; headings[i]; i++)
        ct_text_table_add(table, headings[i]);
    return table;
}

static void finish_table(const struct ct_text_report *out, struct ct_text_table *table, guint more)
{
    ct_text_table_finish(table, out->text, out->layout->width);
    if (more > 0)
        ct_text_line(out, 2, "and %u more", more);
}

void ct_text_sched(const struct ct_text_report *out)
{
    static const char *const line_headings[] = {"THREAD", "TID",  "IN LINE", "TIMES", "~P50",
                                                "~P95",   "~P99", "MAX",     NULL};
    static const char *const move_headings[] = {"THREAD",    "TID",       "MOVED",
                                                "PREEMPTED", "MOSTLY BY", NULL};
    const GArray *rows = out->report->threads;
    g_autoptr(GPtrArray) threads = g_ptr_array_new();

    for (guint i = 0; i < rows->len; i++) {
        const struct ct_thread *thread =
            g_array_index(rows, struct ct_report_thread, i).life.thread;

        if (thread->sched.is_known)
            g_ptr_array_add(threads, (void *)thread);
    }
    if (threads->len == 0 || !out->report->part.is_whole_time)
        return;
    g_ptr_array_sort(threads, compare_by_line);
    guint limit = MAX(2 * out->report->top, 1);
    guint shown = threads->len <= limit + 1 ? threads->len : limit;

    ct_text_heading(out, "Waiting in line for a CPU, by time");
    struct ct_text_table *lines = begin_table("lrrrrrrr", line_headings);
    for (guint i = 0; i < shown; i++)
        add_lines(lines, g_ptr_array_index(threads, i));
    finish_table(out, lines, threads->len - shown);

    ct_text_heading(out, "Moved to another CPU, and preempted by another task");
    struct ct_text_table *moves = begin_table("lrrrl", move_headings);
    for (guint i = 0; i < shown; i++)
        add_moves(moves, out, g_ptr_array_index(threads, i));
    finish_table(out, moves, threads->len - shown);
}
