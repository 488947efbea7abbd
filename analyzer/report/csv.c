#include "report/report.h"

#include <string.h>

/* RFC 4180: quoted where it must be, lines end in CR LF. */
static void write_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_thread(FILE *out, const struct ct_thread *thread)
{
    write_text(out, thread->process->name);
    fprintf(out, ",%d,", thread->process->pid);
    write_text(out, thread->name);
    fprintf(out, ",%d,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT, thread->tid,
            thread->start_ns, thread->end_ns - thread->start_ns, thread->interval_count);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        fprintf(out, ",%" G_GUINT64_FORMAT, thread->class_ns[class]);
    fputs("\r\n", out);
}

void ct_report_write_csv(const struct ct_report *report, const struct ct_report_layout *layout,
                         FILE *out)
{
    (void)layout;
    fputs("process,pid,thread,tid,start_ns,lifetime_ns,waits", out);
    for (size_t i = 0; i < CT_CLASS_COUNT; i++)
        fprintf(out, ",%s_ns", ct_class_name((enum ct_class)i));
    fputs("\r\n", out);
    for (guint i = 0; i < report->model->threads->len; i++)
        write_thread(out, g_ptr_array_index(report->model->threads, i));
}
