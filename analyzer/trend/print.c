#include "trend/print.h"

#include "diff/words.h"
#include "export/text_table.h"
#include "model/format.h"
#include "text/safe_text.h"

#include <math.h>
#include <string.h>

#define SPARK_COLUMNS 24
#define SPARK_LEVELS  8

#define NS_PER_S INT64_C(1000000000)

static const char *const blocks[SPARK_LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const plain[SPARK_LEVELS] = {"_", ".", ":", "-", "=", "+", "*", "#"};

static const struct ct_trend_point *point_at(const struct ct_trend *trend, guint index)
{
    return trend->points->pdata[index];
}

/* ---- Sparklines ---- */

static guint column_of(const struct ct_trend *trend, guint point, guint columns)
{
    double begin = (double)point_at(trend, 0)->time_ns;
    double span = (double)point_at(trend, trend->points->len - 1)->time_ns - begin;

    if (span <= 0)
        return 0;
    return (guint)round(((double)point_at(trend, point)->time_ns - begin) / span * (columns - 1));
}

static const char *level_of(double share, double most)
{
    const char *const *levels = g_get_charset(NULL) ? blocks : plain;
    double height = most > 0 ? share / most * SPARK_LEVELS : 0;

    return levels[(int)CLAMP(ceil(height) - 1, 0, SPARK_LEVELS - 1)];
}

char *ct_trend_sparkline(const struct ct_trend *trend, const double *shares, double most,
                         guint columns)
{
    g_autofree double *amounts = g_new0(double, columns);
    g_autofree double *totals = g_new0(double, columns);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < trend->points->len; i++) {
        guint column = column_of(trend, i, columns);

        amounts[column] += shares[i] * point_at(trend, i)->total;
        totals[column] += point_at(trend, i)->total;
    }
    for (guint i = 0; i < columns; i++)
        g_string_append(text, totals[i] > 0 ? level_of(amounts[i] / totals[i], most) : " ");
    return g_string_free(text, FALSE);
}

/* ---- Text ---- */

static char *percent(double share)
{
    return g_strdup_printf("%.1f %%", 100 * share);
}

static void append_head(GString *text, const struct ct_trend_print *print)
{
    const struct ct_trend *trend = print->trend;
    g_autofree char *first = ct_trend_time(point_at(trend, 0)->time_ns);
    g_autofree char *last = ct_trend_time(point_at(trend, trend->points->len - 1)->time_ns);
    g_autofree char *kind = ct_safe_line(trend->kind);
    g_autofree char *value = ct_safe_line(trend->value);
    g_autofree char *count = ct_format_count(trend->points->len);

    g_string_append_printf(text, "TREND OF %s: shares of %s, %s\n", kind, value,
                           trend->is_cumulative ? "of functions with all that they call"
                                                : "of functions themselves");
    g_string_append_printf(text, "  %s profile%s, %s to %s\n", count,
                           trend->points->len == 1 ? "" : "s", first, last);
}

/* "12.0 %", "new", "+12.1" points. */
static char *difference(const struct ct_trend_changes *changes,
                        const struct ct_trend_change *change)
{
    const char *mark = changes->may_prove && !change->is_proven ? " ~" : "";

    if (change->is_new)
        return g_strdup_printf("new%s", mark);
    return g_strdup_printf("%+.1f%s", 100 * (change->new_share - change->old_share), mark);
}

static void append_row(struct ct_text_table *table, const struct ct_trend_print *print,
                       const struct ct_trend_place *place)
{
    const struct ct_trend_change *change =
        print->changes ? ct_trend_changes_find(print->changes, place) : NULL;
    g_autofree double *shares = ct_trend_shares(print->trend, place);
    double most = 0;

    for (guint i = 0; i < print->trend->points->len; i++)
        most = MAX(most, shares[i]);
    ct_text_table_take(table, percent(place->mean));
    ct_text_table_take(table, percent(most));
    ct_text_table_take(table, percent(shares[print->trend->points->len - 1]));
    ct_text_table_take(table, change ? difference(print->changes, change) : g_strdup("-"));
    ct_text_table_take(table, ct_trend_sparkline(print->trend, shares, most, SPARK_COLUMNS));
    ct_text_table_take(table, ct_safe_line(place->name));
}

static void append_places(GString *text, const struct ct_trend_print *print)
{
    struct ct_text_table *table = ct_text_table_new("rrrrlw");
    static const char *const heads[] = {"MEAN",   "MOST",           "LAST",
                                        "CHANGE", "FROM 0 TO MOST", "FUNCTION"};
    guint count = MIN(print->top, print->trend->places->len);

    g_string_append_printf(text, "\nFUNCTIONS (%u of %u, by mean share)\n", count,
                           print->trend->places->len);
    for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
        ct_text_table_add(table, heads[i]);
    for (guint i = 0; i < count; i++)
        append_row(table, print, print->trend->places->pdata[i]);
    ct_text_table_finish(table, text, print->width);
}

static void append_change(GString *text, const struct ct_trend_print *print, guint number,
                          const struct ct_trend_change *change)
{
    g_autofree char *name = ct_safe_line(change->place->name);
    g_autofree char *p = print->changes->may_prove ? ct_words_p(change->p) : g_strdup("");
    g_autofree char *since = ct_trend_time(change->since_ns);
    g_autoptr(GString) line = g_string_new(NULL);
    double points = 100 * (change->new_share - change->old_share);

    g_string_append_printf(line, "%s: %.1f %% -> %.1f %%, %.1f points %s", name,
                           100 * change->old_share, 100 * change->new_share, fabs(points),
                           points < 0 ? "less" : "more");
    if (change->is_new)
        g_string_append_printf(line, "; new since %s", since);
    if (*p)
        g_string_append_printf(line, " (%s%s)", p, change->is_proven ? "" : ": not proven");
    g_string_append_printf(text, "  %2u. ", number);
    ct_text_append_wrapped(text, line->str, 6, 6, print->width);
}

static void append_changes(GString *text, const struct ct_trend_print *print)
{
    const struct ct_trend_changes *changes = print->changes;

    if (!changes)
        return;
    g_string_append_printf(text, "\nCHANGED MOST: %s (%u profiles) -> %s (%u profiles)\n",
                           changes->sides[0].name, changes->sides[0].points->len,
                           changes->sides[1].name, changes->sides[1].points->len);
    for (guint i = 0; i < MIN(print->top, changes->changes->len); i++)
        append_change(text, print, i + 1,
                      &g_array_index(changes->changes, struct ct_trend_change, i));
    g_string_append(text, "\n");
    ct_text_append_wrapped(
        text,
        changes->may_prove
            ? "CHANGE and points are of shares, in percent of all. ~ or not proven: it may be "
              "chance, by the profiles of either side."
            : "CHANGE and points are of shares, in percent of all. Nothing of it is proven: that "
              "takes four profiles on each side.",
        0, 0, print->width);
}

void ct_trend_print_text(const struct ct_trend_print *print, FILE *out)
{
    g_autoptr(GString) text = g_string_new(NULL);

    append_head(text, print);
    append_places(text, print);
    append_changes(text, print);
    fputs(text->str, out);
}

/* ---- CSV ---- */

static void write_place(const struct ct_trend *trend, const struct ct_trend_place *place, FILE *out)
{
    g_autofree double *shares = ct_trend_shares(trend, place);
    g_autofree char *name = ct_safe_csv(place->name);
    guint at = 0;

    for (guint i = 0; i < trend->points->len; i++) {
        const struct ct_trend_point *point = point_at(trend, i);
        struct ct_trend_amount amount = {0};
        g_autofree char *path = ct_safe_csv(point->path);
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(point->time_ns / NS_PER_S);
        g_autofree char *text =
            time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
        char share[G_ASCII_DTOSTR_BUF_SIZE];

        while (at < place->amounts->len &&
               g_array_index(place->amounts, struct ct_trend_amount, at).point < i)
            at++;
        if (at < place->amounts->len &&
            g_array_index(place->amounts, struct ct_trend_amount, at).point == i)
            amount = g_array_index(place->amounts, struct ct_trend_amount, at);
        g_ascii_formatd(share, sizeof(share), "%.6f", shares[i]);
        fprintf(out, "%s,%s,%s,%.0f,%.0f,%.0f,%s\r\n", text, path, name, amount.flat,
                amount.cumulative, point->total, share);
    }
}

void ct_trend_print_csv(const struct ct_trend_print *print, FILE *out)
{
    fputs("time,profile,function,flat,cumulative,total,share\r\n", out);
    for (guint i = 0; i < MIN(print->top, print->trend->places->len); i++)
        write_place(print->trend, print->trend->places->pdata[i], out);
}
