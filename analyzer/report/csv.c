#include "report/report.h"

#include <string.h>

/* RFC 4180: quoted where it must be, lines end in CR LF. */
static void add_text(GString *csv, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        g_string_append(csv, text);
        return;
    }
    g_string_append_c(csv, '"');
    for (; *text; text++) {
        if (*text == '"')
            g_string_append_c(csv, '"');
        g_string_append_c(csv, *text);
    }
    g_string_append_c(csv, '"');
}

char *ct_report_csv(const struct ct_report *report, const struct ct_report_layout *layout)
{
    GString *csv = g_string_new("process,pid,thread,tid,start_ns,lifetime_ns,waits");

    (void)layout;
    for (size_t i = 0; i < CT_CLASS_COUNT; i++)
        g_string_append_printf(csv, ",%s_ns", ct_class_name((enum ct_class)i));
    g_string_append(csv, "\r\n");
    for (guint i = 0; i < report->model->threads->len; i++) {
        const struct ct_thread *thread = g_ptr_array_index(report->model->threads, i);

        add_text(csv, thread->process->name);
        g_string_append_printf(csv, ",%d,", thread->process->pid);
        add_text(csv, thread->name);
        g_string_append_printf(
            csv, ",%d,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT, thread->tid,
            thread->start_ns, thread->end_ns - thread->start_ns, thread->interval_count);
        for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
            g_string_append_printf(csv, ",%" G_GUINT64_FORMAT, thread->class_ns[class]);
        g_string_append(csv, "\r\n");
    }
    return g_string_free(csv, FALSE);
}
