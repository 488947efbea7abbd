/* A comparison as a table, as RFC 4180 has it: a line for each metric of each row. */
#include "diff/format.h"

#include "model/model.h"
#include "text/safe_text.h"

#include <math.h>

static void write_text(FILE *out, const char *text)
{
    g_autofree char *cell = ct_safe_csv(text);

    fprintf(out, "%s,", cell);
}

/* Empty where there is none. A decimal point whatever the language is. */
static void write_value(FILE *out, gboolean is_known, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (is_known && isfinite(value))
        fputs(g_ascii_formatd(text, sizeof(text), "%.15g", value), out);
    fputc(',', out);
}

static void write_metric(FILE *out, const struct ct_diff_row *row, enum ct_metric metric)
{
    const struct ct_change *change = &row->changes[metric];

    write_text(out, ct_digest_kind_name(row->kind));
    write_text(out, ct_class_name(row->class));
    write_text(out, row->name);
    fprintf(out, "%s,", ct_metric_name(metric));
    for (int side = 0; side < CT_SIDES; side++)
        write_value(out, change->counts[side] > 0, change->medians[side]);
    write_value(out, change->is_tested, change->shift.estimate);
    write_value(out, change->is_tested, change->shift.low);
    write_value(out, change->is_tested, change->shift.high);
    write_value(out, change->is_tested, change->p);
    fprintf(out, "%s,%u,%u\r\n",
            !change->is_tested  ? ""
            : change->is_proven ? "1"
                                : "0",
            change->counts[CT_OLD], change->counts[CT_NEW]);
}

void ct_diff_write_csv(const struct ct_diff *diff, const GPtrArray *verdicts,
                       const struct ct_diff_layout *layout, FILE *out)
{
    (void)verdicts;
    (void)layout;
    fputs("kind,state,name,metric,old,new,shift,shift_low,shift_high,p,is_proven,old_runs,new_runs"
          "\r\n",
          out);
    for (int kind = 0; kind < CT_DIGEST_KIND_COUNT; kind++) {
        for (guint i = 0; i < diff->rows[kind]->len; i++) {
            for (int metric = 0; metric < CT_METRIC_KIND_COUNT; metric++)
                write_metric(out, diff->rows[kind]->pdata[i], (enum ct_metric)metric);
        }
    }
}
