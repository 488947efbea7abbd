/* What only the scheduler knows: how long threads were runnable, where they ran, who preempted
 * them. */
#include "export/text_sections.h"

#include "model/format.h"

/* Of a thread, or summed over those of one group. */
struct row {
    const struct ct_group *group; /* borrowed */
    struct ct_thread_sched sched;
};

static int compare_by_runnable(const void *a, const void *b)
{
    uint64_t first = ((const struct row *)a)->sched.queued.total_ns;
    uint64_t second = ((const struct row *)b)->sched.queued.total_ns;

    return (first < second) - (first > second); /* stable: the model's order decides */
}

static void add_sched(struct ct_thread_sched *sum, const struct ct_thread_sched *more)
{
    sum->is_known = sum->is_known || more->is_known;
    sum->migrations = ct_add_u64(sum->migrations, more->migrations);
    sum->preemptions = ct_add_u64(sum->preemptions, more->preemptions);
    sum->longest_queued_ns = MAX(sum->longest_queued_ns, more->longest_queued_ns);
    ct_op_counters_add(&sum->queued, &more->queued);
}

/* By time runnable, those that the layer saw. Owned by the caller. */
static GArray *sort_rows(const GPtrArray *groups)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct row));

    for (guint i = 0; i < groups->len; i++) {
        struct row row = {.group = g_ptr_array_index(groups, i)};

        for (guint j = 0; j < row.group->members->len; j++) {
            const struct ct_report_thread *member = g_ptr_array_index(row.group->members, j);

            add_sched(&row.sched, &member->life.thread->sched);
        }
        if (row.sched.is_known)
            g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare_by_runnable);
    return rows;
}

static void add_duration(struct ct_text_table *table, uint64_t duration_ns)
{
    ct_text_table_take(table, duration_ns > 0 ? ct_format_duration(duration_ns) : g_strdup("-"));
}

static void add_runnable(struct ct_text_table *table, const struct row *row)
{
    static const double shares[] = {0.5, 0.95, 0.99};
    const struct ct_thread_sched *sched = &row->sched;

    ct_text_out_add_group(table, row->group);
    add_duration(table, sched->queued.total_ns);
    ct_text_table_take(table, ct_format_count(sched->queued.calls));
    for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
        add_duration(table, ct_sched_queued_quantile_ns(sched, shares[i]));
    add_duration(table, sched->longest_queued_ns);
}

static void add_moves(struct ct_text_table *table, const struct ct_text_out *out,
                      const struct row *row)
{
    const char *rival = ct_report_rival(out->report, row->group->members);

    ct_text_out_add_group(table, row->group);
    ct_text_table_take(table, ct_format_count(row->sched.migrations));
    ct_text_table_take(table, ct_format_count(row->sched.preemptions));
    ct_text_table_add(table, rival ? rival : "-");
}

static guint count_threads(const GArray *rows, guint first)
{
    guint count = 0;

    for (guint i = first; i < rows->len; i++)
        count += g_array_index(rows, struct row, i).group->members->len;
    return count;
}

static struct ct_text_table *begin_table(const char *alignments, const char *const *headings)
{
    struct ct_text_table *table = ct_text_table_new(alignments);

    for (size_t i = 0; headings[i]; i++)
        ct_text_table_add(table, headings[i]);
    return table;
}

static void finish_table(const struct ct_text_out *out, struct ct_text_table *table, guint more)
{
    ct_text_table_finish(table, out->text, out->layout->width);
    if (more > 0)
        ct_text_out_line(out, 2, "and %u more", more);
}

void ct_text_section_sched(const struct ct_text_out *out)
{
    static const char *const runnable_headings[] = {"THREAD", "TID",  "RUNNABLE", "TIMES", "~P50",
                                                    "~P95",   "~P99", "MAX",      NULL};
    static const char *const move_headings[] = {"THREAD",    "TID",       "MOVED",
                                                "PREEMPTED", "MOSTLY BY", NULL};
    g_autoptr(GPtrArray) groups = ct_groups_of_threads(out->report);
    g_autoptr(GArray) rows = sort_rows(groups);

    if (rows->len == 0 || !out->report->scope.is_whole_time ||
        !ct_report_has_all_waits(out->report))
        return;
    guint limit = MAX(2 * out->layout->top, 1);
    guint shown = rows->len <= limit + 1 ? rows->len : limit;

    ct_text_out_heading(out, "Runnable (waiting for a CPU), by time");
    struct ct_text_table *times = begin_table("lrrrrrrr", runnable_headings);
    for (guint i = 0; i < shown; i++)
        add_runnable(times, &g_array_index(rows, struct row, i));
    finish_table(out, times, count_threads(rows, shown));

    ct_text_out_heading(out, "Moved to another CPU, and preempted by another task");
    struct ct_text_table *moves = begin_table("lrrrl", move_headings);
    for (guint i = 0; i < shown; i++)
        add_moves(moves, out, &g_array_index(rows, struct row, i));
    finish_table(out, moves, count_threads(rows, shown));
}
