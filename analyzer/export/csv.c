/* The report's table of threads as CSV. */
#include "export/report_format.h"

#include "export/latency_records.h"
#include "text/safe_text.h"

static void write_text(FILE *out, const char *text)
{
    g_autofree char *cell = ct_safe_csv(text);

    fputs(cell, out);
}

static void write_thread(FILE *out, const struct ct_report *report,
                         const struct ct_report_thread *row)
{
    const struct ct_life *life = &row->life;
    const struct ct_thread *thread = life->thread;

    write_text(out, thread->process->name);
    fprintf(out, ",%d,", thread->process->pid);
    write_text(out, thread->name);
    fprintf(out, ",%d,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT, thread->tid,
            life->alive.begin_ns, life->alive.end_ns - life->alive.begin_ns, row->interval_count);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        fputc(',', out);
        if (ct_report_tells_class(report, (enum ct_class) class))
            fprintf(out, "%" G_GUINT64_FORMAT, life->class_ns[class]);
    }
    fprintf(out, ",%.0f\r\n", row->idle_ns);
}

/* Lines end in CR LF, as RFC 4180 has it. */
void ct_report_write_csv(const struct ct_report *report, const struct ct_report_layout *layout,
                         FILE *out)
{
    if (layout->extent == CT_REPORT_SECTION) { /* there is no other */
        ct_csv_write_latency(report, out);
        return;
    }
    fputs("process,pid,thread,tid,start_ns,lifetime_ns,waits", out);
    for (size_t i = 0; i < CT_CLASS_COUNT; i++)
        fprintf(out, ",%s_ns", ct_class_name((enum ct_class)i));
    fputs(",idle_ns\r\n", out);
    for (guint i = 0; i < report->threads->len; i++)
        write_thread(out, report, &g_array_index(report->threads, struct ct_report_thread, i));
}
