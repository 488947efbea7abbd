#include "cells.h"

#include "text/figures.h"
#include "text/safe_text.h"

#include <math.h>
#include <string.h>
#include <wchar.h>

static int compare_numbers(double first, double second)
{
    return (first > second) - (first < second);
}

/* ---- Orders ---- */

/* By name, and then always the same. */
static int compare_names(const struct ct_row *first, const struct ct_row *second)
{
    int order = strcmp(first->kind->process, second->kind->process);

    if (order == 0)
        order = strcmp(first->thread != NULL ? first->thread->name : first->kind->name,
                       second->thread != NULL ? second->thread->name : second->kind->name);
    if (order == 0 && first->thread != NULL && second->thread != NULL)
        order = compare_numbers(first->thread->tid, second->thread->tid);
    return order != 0 ? order : compare_numbers(first->kind->number, second->kind->number);
}

#define COMPARE_BY(name, value)                                                        \
    static int compare_##name(const struct ct_row *first, const struct ct_row *second) \
    {                                                                                  \
        int order = compare_numbers(value(first), value(second));                      \
        return order != 0 ? order : -compare_names(first, second);                     \
    }
#define PID_OF(row)      ((row)->thread != NULL ? (double)(row)->thread->pid : 0.0)
#define TID_OF(row)      ((row)->thread != NULL ? (double)(row)->thread->tid : 0.0)
#define FOR_OF(row)      ((double)(row)->for_ns)
#define RUNNING_OF(row)  ((row)->spent[CT_CLASS_RUNNING])
#define RUNNABLE_OF(row) ((row)->spent[CT_CLASS_RUNNABLE])
#define NET_OF(row)      ((row)->spent[CT_CLASS_NET])
#define SYNC_OF(row)     ((row)->spent[CT_CLASS_SYNC])
#define SYSCALL_OF(row)  ((row)->spent[CT_CLASS_SYSCALL])
#define SLEEP_OF(row)    ((row)->spent[CT_CLASS_SLEEP])
#define OTHER_OF(row)    ((row)->spent[CT_CLASS_OTHER])
#define UNKNOWN_OF(row)  ((row)->spent[CT_CLASS_UNKNOWN])

COMPARE_BY(pid, PID_OF)
COMPARE_BY(tid, TID_OF)
COMPARE_BY(for, FOR_OF)
COMPARE_BY(running, RUNNING_OF)
COMPARE_BY(runnable, RUNNABLE_OF)
COMPARE_BY(net, NET_OF)
COMPARE_BY(sync, SYNC_OF)
COMPARE_BY(syscall, SYSCALL_OF)
COMPARE_BY(sleep, SLEEP_OF)
COMPARE_BY(other, OTHER_OF)
COMPARE_BY(unknown, UNKNOWN_OF)

/* By what it waits for. */
static int compare_waits(const struct ct_row *first, const struct ct_row *second)
{
    gboolean are_threads = first->thread != NULL && second->thread != NULL;
    int order = are_threads ? strcmp(ct_wait_op_name(&first->thread->wait),
                                     ct_wait_op_name(&second->thread->wait))
                            : (first->thread == NULL) - (second->thread == NULL);

    if (order == 0 && are_threads)
        order = (first->thread->wait.object > second->thread->wait.object) -
                (first->thread->wait.object < second->thread->wait.object);
    return order != 0 ? order : compare_names(first, second);
}

const struct ct_top_column_kind ct_top_columns[CT_COLUMN_COUNT] = {
    [CT_COLUMN_PID] = {"PID", 7, TRUE, FALSE, -1, compare_pid, "process; how many, if in brackets"},
    [CT_COLUMN_TID] = {"TID", 7, TRUE, FALSE, -1, compare_tid, "thread; how many, if in brackets"},
    [CT_COLUMN_NAME] = {"THREAD", 26, FALSE, FALSE, -1, compare_names,
                        "its name, after the process's where that is another; * is a number"},
    [CT_COLUMN_RUN] = {"RUN", 5, TRUE, TRUE, CT_CLASS_RUNNING, compare_running, "on a CPU"},
    [CT_COLUMN_QUEUE] = {"QUEUE", 5, TRUE, TRUE, CT_CLASS_RUNNABLE, compare_runnable,
                         "in line for a CPU"},
    [CT_COLUMN_NET] = {"NET", 5, TRUE, TRUE, CT_CLASS_NET, compare_net, "waited for the network"},
    [CT_COLUMN_SYNC] = {"SYNC", 5, TRUE, TRUE, CT_CLASS_SYNC, compare_sync,
                        "waited for another thread: locks, conditions"},
    [CT_COLUMN_SYSCALL] = {"SYSC", 5, TRUE, TRUE, CT_CLASS_SYSCALL, compare_syscall,
                           "waited in another system call: files, pipes, children"},
    [CT_COLUMN_SLEEP] = {"SLEEP", 5, TRUE, TRUE, CT_CLASS_SLEEP, compare_sleep, "slept"},
    [CT_COLUMN_OTHER] = {"OTHER", 5, TRUE, TRUE, CT_CLASS_OTHER, compare_other,
                         "page faults, or stopped"},
    [CT_COLUMN_HIDDEN] = {"?", 5, TRUE, TRUE, CT_CLASS_UNKNOWN, compare_unknown,
                          "waited, for what was not seen"},
    [CT_COLUMN_FOR] = {"FOR", 7, TRUE, TRUE, -1, compare_for,
                       "in its present wait, at least; of several, the longest"},
    [CT_COLUMN_NOW] = {"WAITS FOR", 0, FALSE, FALSE, -1, compare_waits, "at this moment"},
};

/* ---- Cells ---- */

/* Threads in a state, in percent of one. */
static char *write_percent(double threads)
{
    double percent = threads * 100;

    if (percent <= 0)
        return g_strdup("");
    if (percent < 0.5)
        return g_strdup("<1");
    return percent < 99999.5 ? g_strdup_printf("%.0f", percent)
                             : g_strdup_printf("%.0fk", percent / 1000);
}

static char *write_name(const struct ct_row *row)
{
    if (row->row_kind == CT_ROW_IDLE)
        return g_strdup_printf("%u kinds have not run", row->members->len);
    const char *own = row->thread != NULL ? row->thread->name : row->kind->name;

    if (strcmp(own, row->kind->process) == 0)
        return g_strdup(own);
    return g_strdup_printf("%s/%s", row->kind->process, own);
}

/* What is the same for threads that do the same. */
static char *short_wait(const struct ct_seen_thread *thread)
{
    if (thread->wait.class == CT_CLASS_RUNNING)
        return g_strdup(thread->is_starved ? "in line for a CPU" : "running");
    return g_strdup(thread->wait.op == CT_OP_NONE ? "not ours to see"
                                                  : ct_wait_op_name(&thread->wait));
}

static void count_waits(GHashTable *counts, const struct ct_row *row)
{
    if (row->thread != NULL) {
        char *wait = short_wait(row->thread);
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, wait));

        g_hash_table_insert(counts, wait, GUINT_TO_POINTER(count + 1));
        return;
    }
    for (guint i = 0; i < row->members->len; i++)
        count_waits(counts, row->members->pdata[i]);
}

struct counted {
    const char *wait; /* borrowed */
    guint count;
};

static int compare_counted(const void *first, const void *second)
{
    const struct counted *one = first;
    const struct counted *other = second;

    return one->count != other->count ? (one->count < other->count ? 1 : -1)
                                      : strcmp(one->wait, other->wait);
}

/* "8 futex_wait, 4 read". */
static char *write_waits(const struct ct_row *row)
{
    g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(struct counted));
    GString *text = g_string_new(NULL);
    GHashTableIter each;
    gpointer wait, count;

    count_waits(counts, row);
    g_hash_table_iter_init(&each, counts);
    while (g_hash_table_iter_next(&each, &wait, &count)) {
        struct counted counted = {wait, GPOINTER_TO_UINT(count)};

        g_array_append_val(sorted, counted);
    }
    g_array_sort(sorted, compare_counted);
    for (guint i = 0; i < sorted->len; i++) {
        const struct counted *counted = &g_array_index(sorted, struct counted, i);

        g_string_append_printf(text, "%s%u %s", i > 0 ? ", " : "", counted->count, counted->wait);
    }
    return g_string_free(text, FALSE);
}

static char *write_cell(const struct ct_cell_context *context, const struct ct_row *row,
                        enum ct_top_column column)
{
    if (ct_top_columns[column].class >= 0)
        return write_percent(row->spent[ct_top_columns[column].class]);
    switch (column) {
    case CT_COLUMN_PID:
        return row->thread != NULL            ? g_strdup_printf("%d", row->thread->pid)
               : row->row_kind == CT_ROW_IDLE ? g_strdup("")
                                              : g_strdup_printf("(%u)", row->processes);
    case CT_COLUMN_TID:
        return row->thread != NULL ? g_strdup_printf("%d", row->thread->tid)
                                   : g_strdup_printf("(%u)", row->threads);
    case CT_COLUMN_NAME:
        return write_name(row);
    case CT_COLUMN_FOR:
        return row->for_ns > 0 && row->row_kind != CT_ROW_IDLE ? ct_format_duration(row->for_ns)
                                                               : g_strdup("");
    default:
        return row->thread != NULL ? ct_describe_wait(context->describer, row->thread)
                                   : write_waits(row);
    }
}

static char *to_ascii(const char *text)
{
    GString *ascii = g_string_new(NULL);

    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
        g_string_append_c(ascii, (guchar)*at < 0x80 ? *at : '?');
    return g_string_free(ascii, FALSE);
}

char *ct_cell(const struct ct_cell_context *context, const struct ct_row *row,
              enum ct_top_column column)
{
    g_autofree char *text = write_cell(context, row, column);
    char *safe = ct_safe_line(text);

    if (!context->is_ascii)
        return safe;
    char *ascii = to_ascii(safe);
    g_free(safe);
    return ascii;
}

/* Columns of a terminal that a character takes. */
static int char_width(gunichar character)
{
    if (g_unichar_iszerowidth(character))
        return 0;
    return g_unichar_iswide(character) ? 2 : 1;
}

char *ct_cell_fit(const char *text, int width, gboolean is_right)
{
    GString *fit = g_string_new(NULL);
    const char *at = text;
    int used = 0;

    for (; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);

        if (used + char_width(character) > width)
            break;
        used += char_width(character);
        g_string_append_unichar(fit, character);
    }
    for (; used < width; used++) {
        if (is_right)
            g_string_prepend_c(fit, ' ');
        else
            g_string_append_c(fit, ' ');
    }
    return g_string_free(fit, FALSE);
}

/* ---- Bars ---- */

/* From what one can do something about to what is no trouble by itself. */
static const struct {
    enum ct_class class;
    char letter;
} shown[] = {
    {CT_CLASS_RUNNING, 'R'}, {CT_CLASS_RUNNABLE, 'Q'}, {CT_CLASS_SYNC, 'Y'},
    {CT_CLASS_NET, 'N'},     {CT_CLASS_SYSCALL, 'C'},  {CT_CLASS_OTHER, 'O'},
    {CT_CLASS_UNKNOWN, '?'}, {CT_CLASS_SLEEP, 'S'},
};

char ct_class_letter(enum ct_class class)
{
    for (size_t i = 0; i < G_N_ELEMENTS(shown); i++) {
        if (shown[i].class == class)
            return shown[i].letter;
    }
    return ' ';
}

char *ct_bar(const struct ct_row *row, int width)
{
    GString *bar = g_string_new(NULL);
    double sum = 0;
    double all = 0;

    for (int i = 0; i < CT_CLASS_COUNT; i++)
        all += row->spent[i];
    /* Sums are rounded, so that all letters together are the whole. */
    for (size_t i = 0; i < G_N_ELEMENTS(shown) && all > 0; i++) {
        sum += row->spent[shown[i].class];
        while (bar->len < (gsize)lround(sum / all * width))
            g_string_append_c(bar, shown[i].letter);
    }
    while (bar->len < (gsize)width)
        g_string_append_c(bar, ' ');
    return g_string_free(bar, FALSE);
}
