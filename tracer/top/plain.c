#include "plain.h"

#include "text/figures.h"
#include "text/safe_text.h"

#include <unistd.h>

char *ct_plain_heading(const struct ct_accounts *accounts, const struct ct_rows *rows)
{
    const struct ct_accounts_totals *totals = ct_accounts_totals(accounts);
    const struct ct_row *total = ct_rows_total(rows);
    g_autofree char *interval = ct_format_duration(ct_rows_interval_ns(rows));
    double waits = 0;

    for (int i = CT_CLASS_NET; i < CT_CLASS_COUNT; i++)
        waits += total->spent[i];
    return g_strdup_printf(
        "%u process%s, %u thread%s in the last %s: on average %.2f running, %.2f "
        "in line for a CPU, %.1f waiting",
        totals->processes, totals->processes == 1 ? "" : "es", total->threads,
        total->threads == 1 ? "" : "s", interval, total->spent[CT_CLASS_RUNNING],
        total->spent[CT_CLASS_RUNNABLE], waits);
}

char *ct_plain_refused(const struct ct_accounts *accounts)
{
    const struct ct_accounts_totals *totals = ct_accounts_totals(accounts);

    if (totals->refused == 0)
        return NULL;
    return g_strdup_printf("What threads of %u of them wait for is not ours to see: that takes %s",
                           totals->refused,
                           geteuid() == 0 ? "CAP_SYS_PTRACE here, and a process that allows it"
                                          : "their user, or root");
}

/* A column of which all is nothing is left out. */
static gboolean is_told(enum ct_top_column column, const struct ct_row *total)
{
    return column != CT_COLUMN_HIDDEN || total->spent[CT_CLASS_UNKNOWN] > 0;
}

static void append_cell(GString *text, const char *cell, enum ct_top_column column)
{
    g_autofree char *fit =
        ct_cell_fit(cell, ct_top_columns[column].width, ct_top_columns[column].is_right);

    g_string_append_printf(text, "%s%s", column > 0 ? " " : "",
                           column == CT_COLUMN_NOW ? cell : fit);
}

static void append_line(GString *text, const struct ct_plain *plain, const struct ct_row *row,
                        const struct ct_row *total)
{
    for (int column = 0; column < CT_COLUMN_COUNT; column++) {
        if (!is_told((enum ct_top_column)column, total))
            continue;
        g_autofree char *cell = row != NULL
                                    ? ct_cell(plain->context, row, (enum ct_top_column)column)
                                    : g_strdup(ct_top_columns[column].title);
        append_cell(text, cell, (enum ct_top_column)column);
    }
    while (text->len > 0 && text->str[text->len - 1] == ' ')
        g_string_truncate(text, text->len - 1);
    g_string_append_c(text, '\n');
}

void ct_plain_write(GString *text, const struct ct_plain *plain, struct ct_rows *rows)
{
    const struct ct_row *total = ct_rows_total(rows);
    g_autoptr(GPtrArray) lines = ct_rows_list(rows, plain->view);
    g_autofree char *heading = ct_plain_heading(plain->accounts, rows);
    g_autofree char *refused = ct_plain_refused(plain->accounts);
    guint count = plain->lines_max > 0 ? MIN(plain->lines_max, lines->len) : lines->len;

    g_string_append_printf(text, "%s\n", heading);
    if (refused != NULL)
        g_string_append_printf(text, "%s\n", refused);
    append_line(text, plain, NULL, total);
    for (guint i = 0; i < count; i++)
        append_line(text, plain, lines->pdata[i], total);
    if (count < lines->len)
        g_string_append_printf(text, "and %u lines more\n", lines->len - count);
}

/* ---- CSV ---- */

static void append_csv_cell(GString *text, const char *value)
{
    g_autofree char *safe = ct_safe_csv(value);

    g_string_append_printf(text, ",%s", safe);
}

/* Ids are empty where there are several. */
static void append_csv_line(GString *text, const struct ct_plain *plain, const struct ct_row *row)
{
    g_autofree char *waits = ct_cell(plain->context, row, CT_COLUMN_NOW);
    const struct ct_seen_thread *thread = row->thread;

    if (thread != NULL)
        g_string_append_printf(text, "%d,%d", thread->pid, thread->tid);
    else
        g_string_append(text, ",");
    append_csv_cell(text, row->kind != NULL ? row->kind->process : "");
    append_csv_cell(text, thread != NULL ? thread->name : row->kind != NULL ? row->kind->name : "");
    g_string_append_printf(text, ",%u", row->threads);
    for (int i = 0; i < CT_CLASS_COUNT; i++)
        g_string_append_printf(text, ",%.6f", row->spent[i]);
    g_string_append_printf(text, ",%.6f", (double)row->for_ns / 1e9);
    append_csv_cell(text, waits);
    g_string_append(text, "\r\n");
}

void ct_plain_write_csv(GString *text, const struct ct_plain *plain, struct ct_rows *rows)
{
    g_autoptr(GPtrArray) lines = ct_rows_list(rows, plain->view);
    guint count = plain->lines_max > 0 ? MIN(plain->lines_max, lines->len) : lines->len;

    g_string_append(text, "pid,tid,process,thread,threads"
#define CLASS_TITLE(symbol, name) "," name
                    CT_CLASSES(CLASS_TITLE)
#undef CLASS_TITLE
                        ",for_seconds,waits_for\r\n");
    for (guint i = 0; i < count; i++)
        append_csv_line(text, plain, lines->pdata[i]);
}
