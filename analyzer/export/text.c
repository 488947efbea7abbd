#include "export/text_sections.h"

#include "export/text_table.h"
#include "text/safe_text.h"

#include <string.h>

static void (*const parts[])(const struct ct_text_report *) = {
    ct_text_capture,    ct_text_processes, ct_text_threads, ct_text_sched,
    ct_text_open_waits, ct_text_sites,     ct_text_calls,   ct_text_longest_waits,
};

/* `lead` starts the first line; the others are indented. Takes `text`. */
static void write_wrapped(const struct ct_text_report *out, const char *lead, guint indent,
                          char *text)
{
    g_autofree char *safe = ct_safe_line(text);

    g_string_append(out->text, lead);
    ct_text_append_wrapped(out->text, safe, (guint)strlen(lead), indent, out->layout->width);
    g_free(text);
}

void ct_text_heading(const struct ct_text_report *out, const char *format, ...)
{
    va_list arguments;

    if (out->text->len > 0)
        g_string_append_c(out->text, '\n');
    va_start(arguments, format);
    write_wrapped(out, "", 2, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void ct_text_line(const struct ct_text_report *out, guint indent, const char *format, ...)
{
    va_list arguments;
    g_autofree char *lead = g_strnfill(indent, ' ');

    va_start(arguments, format);
    write_wrapped(out, lead, indent + 2, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void ct_text_field(const struct ct_text_report *out, const char *name, const char *format, ...)
{
    va_list arguments;
    g_autofree char *lead = g_strdup_printf("  %-10s  ", name);

    va_start(arguments, format);
    write_wrapped(out, lead, (guint)strlen(lead), g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void ct_text_entry(const struct ct_text_report *out, const char *duration, const char *format, ...)
{
    va_list arguments;
    g_autofree char *lead = g_strdup_printf("  %9s  ", duration);

    va_start(arguments, format);
    write_wrapped(out, lead, CT_TEXT_ENTRY, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* Headings bold, warnings bold and red with the lines in which they go on. */
static void write_coloured(const char *plain, FILE *out)
{
    g_auto(GStrv) lines = g_strsplit(plain, "\n", -1);

    gboolean is_warning = FALSE;

    for (size_t i = 0; lines[i]; i++) {
        const char *line = lines[i];

        is_warning = g_str_has_prefix(line, "  !") || (is_warning && g_str_has_prefix(line, "   "));

        const char *on = is_warning ? "\033[1;31m" : line[0] && line[0] != ' ' ? "\033[1m" : "";

        fprintf(out, "%s%s%s%s", on, line, on[0] ? "\033[0m" : "", lines[i + 1] ? "\n" : "");
    }
}

void ct_report_write_text(const struct ct_report *report, const struct ct_report_layout *layout,
                          FILE *file)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct ct_text_report out = {.report = report, .layout = layout, .text = text};

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        parts[i](&out);
    if (layout->has_colour)
        write_coloured(text->str, file);
    else
        fputs(text->str, file);
}
