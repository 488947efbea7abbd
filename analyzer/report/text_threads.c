#include "report/text_parts.h"

#include "model/format.h"
#include "report/text_table.h"

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

/* Classes in which nobody spent time have no column if the recording could not see them, or where
 * room is scarce. */
static guint shown_classes(const GPtrArray *lives, gboolean is_narrow, enum ct_class *classes)
{
    static const gboolean is_usual[CT_CLASS_COUNT] = {
        [CT_CLASS_RUNNING] = TRUE, [CT_CLASS_NET] = TRUE,   [CT_CLASS_SYNC] = TRUE,
        [CT_CLASS_SYSCALL] = TRUE, [CT_CLASS_SLEEP] = TRUE,
    };
    guint count = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        gboolean is_shown = is_usual[class] && !is_narrow;

        for (guint i = 0; !is_shown && i < lives->len; i++) {
            const struct ct_life *life = g_ptr_array_index(lives, i);

            is_shown = life->class_ns[class] > 0;
        }
        if (is_shown)
            classes[count++] = (enum ct_class) class;
    }
    return count;
}

static int compare_by_waited(const void *a, const void *b)
{
    uint64_t first = ct_report_waited_ns(*(struct ct_life *const *)a);
    uint64_t second = ct_report_waited_ns(*(struct ct_life *const *)b);

    return (first < second) - (first > second); /* stable: the model's order decides */
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

static uint64_t lifetime(const struct ct_life *life)
{
    return life->alive.end_ns - life->alive.begin_ns;
}

static void add_times(struct ct_text_table *table, const uint64_t *class_ns, uint64_t lifetime_ns,
                      const enum ct_class *classes, guint class_count)
{
    ct_text_table_take(table, ct_format_duration(lifetime_ns));
    for (guint i = 0; i < class_count; i++) {
        uint64_t time_ns = class_ns[classes[i]];

        ct_text_table_take(table, time_ns > 0 ? ct_format_duration(time_ns) : g_strdup("-"));
    }
}

static void add_headings(struct ct_text_table *table, const enum ct_class *classes,
                         guint class_count, gboolean has_bar)
{
    ct_text_table_add(table, "THREAD");
    ct_text_table_add(table, "TID");
    ct_text_table_add(table, "LIFETIME");
    for (guint i = 0; i < class_count; i++)
        ct_text_table_take(table, g_ascii_strup(ct_class_name(classes[i]), -1));
    if (has_bar)
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

static void add_rest(struct ct_text_table *table, const GPtrArray *lives, guint first,
                     const enum ct_class *classes, guint class_count, gboolean has_bar)
{
    uint64_t class_ns[CT_CLASS_COUNT] = {0};
    uint64_t lifetime_ns = 0;

    for (guint i = first; i < lives->len; i++) {
        const struct ct_life *life = g_ptr_array_index(lives, i);

        lifetime_ns = ct_add_u64(lifetime_ns, lifetime(life));
        for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
            class_ns[class] = ct_add_u64(class_ns[class], life->class_ns[class]);
    }
    ct_text_table_take(table, g_strdup_printf("%u more together", lives->len - first));
    ct_text_table_add(table, "");
    add_times(table, class_ns, lifetime_ns, classes, class_count);
    if (has_bar)
        ct_text_table_take(table, format_bar(class_ns, lifetime_ns));
}

/* By time waited. The lives are borrowed. */
static GPtrArray *sort_lives(const struct ct_report *report)
{
    GPtrArray *lives = g_ptr_array_sized_new(report->threads->len);

    for (guint i = 0; i < report->threads->len; i++)
        g_ptr_array_add(lives, &g_array_index(report->threads, struct ct_report_thread, i).life);
    g_ptr_array_sort(lives, compare_by_waited);
    return lives;
}

/* Adds a row for each thread, but for many. */
static void add_threads(struct ct_text_table *table, const struct ct_report *report,
                        const GPtrArray *lives, const enum ct_class *classes, guint class_count,
                        gboolean has_bar)
{
    /* One more takes no more room than saying that there is one more. */
    guint limit = MAX(2 * report->top, 1);
    guint shown = lives->len <= limit + 1 ? lives->len : limit;

    for (guint i = 0; i < shown; i++) {
        const struct ct_life *life = g_ptr_array_index(lives, i);

        ct_text_table_take(table, ct_format_clean(life->thread->name));
        ct_text_table_take(table, g_strdup_printf("%d", life->thread->tid));
        add_times(table, life->class_ns, lifetime(life), classes, class_count);
        if (has_bar)
            ct_text_table_take(table, format_bar(life->class_ns, lifetime(life)));
    }
    if (shown < lives->len)
        add_rest(table, lives, shown, classes, class_count, has_bar);
}

void ct_text_threads(const struct ct_text_report *out)
{
    g_autoptr(GPtrArray) lives = sort_lives(out->report);
    enum ct_class classes[CT_CLASS_COUNT];
    guint width = out->layout->width;
    guint class_count = shown_classes(lives, width < NARROW_COLUMNS, classes);
    gboolean has_bar = width >= 100;
    char alignments[CT_CLASS_COUNT + 8] = "lrr";

    if (class_count > CLASSES_BESIDE_BAR)
        class_count = shown_classes(lives, TRUE, classes);
    memset(alignments + 3, 'r', class_count);
    if (has_bar)
        alignments[3 + class_count] = 'o';

    struct ct_text_table *table = ct_text_table_new(alignments);

    add_headings(table, classes, class_count, has_bar);
    add_threads(table, out->report, lives, classes, class_count, has_bar);
    if (has_bar && ct_text_table_shows_all(table, width)) {
        g_autofree char *legend = format_legend(classes, class_count);

        ct_text_heading(out, "Threads (%u), by time waited      %s", lives->len, legend);
    } else {
        ct_text_heading(out, "Threads (%u), by time waited", lives->len);
    }
    ct_text_table_finish(table, out->text, width);
}
