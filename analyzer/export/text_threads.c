/* The table of threads: their time by class. */
#include "export/text_sections.h"

#include "model/format.h"

#include <string.h>

#define BAR_COLUMNS    20
#define NARROW_COLUMNS 80

/* So many classes leave room for a bar on most terminals. */
#define CLASSES_BESIDE_BAR 6

/* A letter for each class in a thread's bar. */
static const char class_letters[CT_CLASS_COUNT] = {
    [CT_CLASS_RUNNING] = '#', [CT_CLASS_RUNNABLE] = 'r', [CT_CLASS_NET] = 'n',
    [CT_CLASS_SYNC] = 's',    [CT_CLASS_SYSCALL] = 'c',  [CT_CLASS_SLEEP] = '.',
    [CT_CLASS_OTHER] = 'o',   [CT_CLASS_UNKNOWN] = '?',
};

/* A thread, or several of one group, whose times are summed. */
struct row {
    const struct ct_group *group; /* borrowed */
    uint64_t class_ns[CT_CLASS_COUNT];
    uint64_t lifetime_ns;
    uint64_t waited_ns;
    uint64_t idle_ns; /* of that */
};

/* Classes in which nobody spent time have no column if the recording could not see them, or where
 * room is scarce. */
static guint shown_classes(const GArray *rows, gboolean is_narrow, enum ct_class *classes)
{
    static const gboolean is_usual[CT_CLASS_COUNT] = {
        [CT_CLASS_RUNNING] = TRUE, [CT_CLASS_NET] = TRUE,   [CT_CLASS_SYNC] = TRUE,
        [CT_CLASS_SYSCALL] = TRUE, [CT_CLASS_SLEEP] = TRUE,
    };
    guint count = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        gboolean is_shown = is_usual[class] && !is_narrow;

        for (guint i = 0; !is_shown && i < rows->len; i++)
            is_shown = g_array_index(rows, struct row, i).class_ns[class] > 0;
        if (is_shown)
            classes[count++] = (enum ct_class) class;
    }
    return count;
}

static int compare_by_waited(const void *a, const void *b)
{
    const struct row *first = a, *second = b;
    uint64_t first_ns = first->waited_ns - MIN(first->idle_ns, first->waited_ns);
    uint64_t second_ns = second->waited_ns - MIN(second->idle_ns, second->waited_ns);

    if (first_ns != second_ns)
        return first_ns < second_ns ? 1 : -1;
    /* Stable: the model's order decides. */
    return (first->waited_ns < second->waited_ns) - (first->waited_ns > second->waited_ns);
}

static char *format_bar(const uint64_t *class_ns, uint64_t lifetime_ns)
{
    GString *bar = g_string_new("[");
    double done = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT && lifetime_ns > 0; class ++) {
        done += (double)class_ns[class] / (double)lifetime_ns * BAR_COLUMNS;
        while ((double)(bar->len - 1) + 0.5 < done && bar->len <= BAR_COLUMNS)
            g_string_append_c(bar, class_letters[class]);
    }
    while (bar->len <= BAR_COLUMNS)
        g_string_append_c(bar, ' ');
    g_string_append_c(bar, ']');
    return g_string_free(bar, FALSE);
}

/* What there is a column for. */
struct columns {
    enum ct_class classes[CT_CLASS_COUNT];
    guint class_count;
    gboolean has_idle;
    gboolean has_bar;
};

static void add_duration(struct ct_text_table *table, uint64_t time_ns)
{
    ct_text_table_take(table, time_ns > 0 ? ct_format_duration(time_ns) : g_strdup("-"));
}

static void add_times(struct ct_text_table *table, const struct row *row,
                      const struct columns *columns)
{
    ct_text_table_take(table, ct_format_duration(row->lifetime_ns));
    for (guint i = 0; i < columns->class_count; i++)
        add_duration(table, row->class_ns[columns->classes[i]]);
    if (columns->has_idle)
        add_duration(table, row->idle_ns);
    if (columns->has_bar)
        ct_text_table_take(table, format_bar(row->class_ns, row->lifetime_ns));
}

static void add_headings(struct ct_text_table *table, const struct columns *columns)
{
    ct_text_table_add(table, "THREAD");
    ct_text_table_add(table, "TID");
    ct_text_table_add(table, "LIFETIME");
    for (guint i = 0; i < columns->class_count; i++)
        ct_text_table_take(table, g_ascii_strup(ct_class_name(columns->classes[i]), -1));
    if (columns->has_idle)
        ct_text_table_add(table, "IDLE");
    if (columns->has_bar)
        ct_text_table_add(table, "");
}

/* "# running  n net": what the letters of the bars mean. */
static char *format_legend(const enum ct_class *classes, guint class_count)
{
    GString *legend = g_string_new(NULL);

    for (guint i = 0; i < class_count; i++)
        g_string_append_printf(legend, "%s%c %s", i > 0 ? "  " : "", class_letters[classes[i]],
                               ct_class_name(classes[i]));
    return g_string_free(legend, FALSE);
}

static void add_up(struct row *sum, const struct row *more)
{
    sum->lifetime_ns = ct_add_u64(sum->lifetime_ns, more->lifetime_ns);
    sum->waited_ns = ct_add_u64(sum->waited_ns, more->waited_ns);
    sum->idle_ns = ct_add_u64(sum->idle_ns, more->idle_ns);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        sum->class_ns[class] = ct_add_u64(sum->class_ns[class], more->class_ns[class]);
}

static struct row row_of(const struct ct_group *group)
{
    struct row row = {.group = group};

    for (guint i = 0; i < group->members->len; i++) {
        const struct ct_report_thread *thread = g_ptr_array_index(group->members, i);
        struct row one = {
            .lifetime_ns = thread->life.alive.end_ns - thread->life.alive.begin_ns,
            .waited_ns = ct_report_waited_ns(&thread->life),
            .idle_ns = (uint64_t)MIN(thread->idle_ns, 9e18),
        };

        memcpy(one.class_ns, thread->life.class_ns, sizeof(one.class_ns));
        add_up(&row, &one);
    }
    return row;
}

/* By time waited. Owned by the caller. */
static GArray *sort_rows(const GPtrArray *groups)
{
    GArray *rows = g_array_sized_new(FALSE, FALSE, sizeof(struct row), groups->len);

    for (guint i = 0; i < groups->len; i++) {
        struct row row = row_of(g_ptr_array_index(groups, i));

        g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare_by_waited);
    return rows;
}

static void add_rest(struct ct_text_table *table, const GArray *rows, guint first,
                     const struct columns *columns)
{
    struct row rest = {0};
    guint count = 0;

    for (guint i = first; i < rows->len; i++) {
        const struct row *row = &g_array_index(rows, struct row, i);

        count += row->group->members->len;
        add_up(&rest, row);
    }
    ct_text_table_take(table, g_strdup_printf("%u more together", count));
    ct_text_table_add(table, "");
    add_times(table, &rest, columns);
}

/* Adds a row for each thread or group of threads, but for many. */
static void add_rows(struct ct_text_table *table, guint top, const GArray *rows,
                     const struct columns *columns)
{
    /* One more takes no more room than saying that there is one more. */
    guint limit = MAX(2 * top, 1);
    guint shown = rows->len <= limit + 1 ? rows->len : limit;

    for (guint i = 0; i < shown; i++) {
        const struct row *row = &g_array_index(rows, struct row, i);

        ct_text_out_add_group(table, row->group);
        add_times(table, row, columns);
    }
    if (shown < rows->len)
        add_rest(table, rows, shown, columns);
}

static struct columns choose_columns(const struct ct_text_out *out, const GArray *rows)
{
    struct columns columns = {0};
    guint width = out->layout->width;
    gboolean is_narrow = width < NARROW_COLUMNS || !ct_report_has_all_waits(out->report);

    columns.class_count = shown_classes(rows, is_narrow, columns.classes);
    for (guint i = 0; i < rows->len; i++)
        columns.has_idle |= g_array_index(rows, struct row, i).idle_ns > 0;
    columns.has_bar = width >= 100 && columns.class_count > 0;
    if (columns.class_count + columns.has_idle > CLASSES_BESIDE_BAR)
        columns.class_count = shown_classes(rows, TRUE, columns.classes);
    return columns;
}

void ct_text_section_threads(const struct ct_text_out *out)
{
    g_autoptr(GPtrArray) groups = ct_groups_of_threads(out->report);
    g_autoptr(GArray) rows = sort_rows(groups);
    const struct columns columns = choose_columns(out, rows);
    guint thread_count = out->report->threads->len;
    guint width = out->layout->width;
    guint numbers = columns.class_count + (columns.has_idle ? 1 : 0);
    char alignments[CT_CLASS_COUNT + 8] = "lrr";

    memset(alignments + 3, 'r', numbers);
    if (columns.has_bar)
        alignments[3 + numbers] = 'o';

    struct ct_text_table *table = ct_text_table_new(alignments);

    add_headings(table, &columns);
    add_rows(table, out->layout->top, rows, &columns);
    if (columns.has_bar && ct_text_table_shows_all(table, width)) {
        g_autofree char *legend = format_legend(columns.classes, columns.class_count);

        ct_text_out_heading(out, "Threads (%u), by time waited%s      %s", thread_count,
                            columns.has_idle ? " but for idle" : "", legend);
    } else {
        ct_text_out_heading(out, "Threads (%u), by time waited%s", thread_count,
                            columns.has_idle ? " but for idle" : "");
    }
    ct_text_table_finish(table, out->text, width);
}
