/* The table of processes. */
#include "export/text_sections.h"

#include "model/format.h"

/* A process in the report's scope, or those of one group, and what their threads come to. */
struct entry {
    const struct ct_group *group; /* borrowed */
    guint number;                 /* in the order of the groups */
    guint thread_count;
    uint64_t waited_ns;
};

static int compare_by_waited(const void *a, const void *b)
{
    const struct entry *first = a;
    const struct entry *second = b;

    if (first->waited_ns != second->waited_ns)
        return first->waited_ns < second->waited_ns ? 1 : -1;
    return first->number < second->number ? -1 : 1;
}

static int compare_by_number(const void *a, const void *b)
{
    const struct entry *first = a;
    const struct entry *second = b;

    return first->number < second->number ? -1 : 1;
}

/* Those whose threads waited longest, `limit` at most, in the model's order. Owned by the caller.
 */
static GArray *choose_entries(const struct ct_report *report, const GPtrArray *groups, guint limit)
{
    GArray *entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < groups->len; i++) {
        struct entry entry = {.group = g_ptr_array_index(groups, i), .number = i};

        g_array_append_val(entries, entry);
        for (guint j = 0; j < entry.group->members->len; j++)
            g_hash_table_insert(numbers, entry.group->members->pdata[j], GUINT_TO_POINTER(i));
    }
    for (guint i = 0; i < report->threads->len; i++) {
        const struct ct_life *life =
            &g_array_index(report->threads, struct ct_report_thread, i).life;
        void *number;

        if (!g_hash_table_lookup_extended(numbers, life->thread->process, NULL, &number))
            continue;
        struct entry *entry = &g_array_index(entries, struct entry, GPOINTER_TO_UINT(number));
        entry->thread_count++;
        entry->waited_ns += ct_report_waited_ns(life);
    }
    if (entries->len > limit) {
        g_array_sort(entries, compare_by_waited);
        g_array_set_size(entries, limit);
        g_array_sort(entries, compare_by_number);
    }
    return entries;
}

static uint64_t lifetime(const struct ct_process *process, uint64_t begin_ns)
{
    uint64_t from_ns = MAX(process->start_ns, begin_ns);

    return process->end_ns - MIN(process->end_ns, from_ns);
}

static void add_row(struct ct_text_table *table, const struct entry *entry, uint64_t begin_ns)
{
    const GPtrArray *members = entry->group->members;
    const struct ct_process *first = g_ptr_array_index(members, 0);
    uint64_t lifetime_ns = 0;

    for (guint i = 0; i < members->len; i++)
        lifetime_ns = ct_add_u64(lifetime_ns, lifetime(g_ptr_array_index(members, i), begin_ns));
    ct_text_table_take(table, members->len > 1 ? g_strdup_printf("%u processes", members->len)
                                               : g_strdup_printf("%d", first->pid));
    ct_text_table_take(table, first->ppid > 0 ? g_strdup_printf("%d", first->ppid) : g_strdup("-"));
    ct_text_table_take(table, ct_format_duration(lifetime_ns));
    ct_text_table_take(table, ct_format_count(entry->thread_count));
    ct_text_table_add(table, entry->group->name);
}

static guint count_processes(const GArray *entries)
{
    guint count = 0;

    for (guint i = 0; i < entries->len; i++)
        count += g_array_index(entries, struct entry, i).group->members->len;
    return count;
}

void ct_text_section_processes(const struct ct_text_out *out)
{
    static const char *const headings[] = {"PID", "PARENT", "LIFETIME", "THREADS", "COMMAND"};
    const struct ct_report *report = out->report;
    struct ct_text_table *table = ct_text_table_new("rrrrw");
    g_autoptr(GPtrArray) groups = ct_groups_of_processes(report);
    g_autoptr(GArray) entries = choose_entries(report, groups, MAX(out->layout->top, 1));
    guint shown = count_processes(entries);

    ct_text_out_heading(out, "Processes (%u)", report->processes->len);
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < entries->len; i++)
        add_row(table, &g_array_index(entries, struct entry, i), report->model->begin_ns);
    ct_text_table_finish(table, out->text, out->layout->width);
    if (shown < report->processes->len)
        ct_text_out_line(out, 2, "and %u more, whose threads waited less",
                         report->processes->len - shown);
}
