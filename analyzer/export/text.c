/* The report as text for a terminal: section after section. */
#include "export/report_format.h"
#include "export/text_sections.h"

static void (*const sections[])(const struct ct_text_out *) = {
    ct_text_section_capture, ct_text_section_hangs, ct_text_section_processes,
    ct_text_section_threads, ct_text_section_sched, ct_text_section_open_waits,
    ct_text_section_sites,   ct_text_section_calls, ct_text_section_longest_waits,
};

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
    struct ct_text_out out = {.report = report, .layout = layout, .text = text};

    for (size_t i = 0; i < G_N_ELEMENTS(sections) && !layout->section; i++)
        sections[i](&out);
    if (layout->section)
        ct_text_section_locks(&out);
    if (layout->has_colour)
        write_coloured(text->str, file);
    else
        fputs(text->str, file);
}
