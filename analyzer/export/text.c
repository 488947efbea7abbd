/* The report as text for a terminal: section after section. */
#include "export/report_format.h"
#include "export/text_sections.h"
#include "text/names.h"

#include <string.h>

/* Parts without a name belong to the whole alone. */
struct part {
    const char *section; /* by which it can be asked for, with others; or NULL */
    gboolean is_overview;
    void (*write)(const struct ct_text_out *);
};

static const struct part parts[] = {
    {"findings", TRUE, ct_text_section_findings}, {NULL, TRUE, ct_text_section_capture},
    {"heap", TRUE, ct_text_section_heap},         {"hangs", TRUE, ct_text_section_hangs},
    {"hangs", FALSE, ct_text_section_inversions}, {"threads", TRUE, ct_text_section_processes},
    {"threads", TRUE, ct_text_section_threads},   {"threads", FALSE, ct_text_section_sched},
    {"peers", TRUE, ct_text_section_peers},       {"requests", TRUE, ct_text_section_requests},
    {"locks", FALSE, ct_text_section_locks},      {"path", FALSE, ct_text_section_path},
    {"waits", TRUE, ct_text_section_open_waits},  {"waits", TRUE, ct_text_section_sites},
    {"calls", FALSE, ct_text_section_calls},      {"waits", FALSE, ct_text_section_longest_waits},
    {"latency", FALSE, ct_text_section_latency},
};

gboolean ct_report_has_section(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].section && strcmp(parts[i].section, name) == 0)
            return TRUE;
    }
    return FALSE;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **ct_report_section_names(void)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].section &&
            !g_ptr_array_find_with_equal_func(names, parts[i].section, g_str_equal, NULL))
            g_ptr_array_add(names, (void *)parts[i].section);
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return g_strdupv((char **)names->pdata);
}

char *ct_report_section_list(void)
{
    g_auto(GStrv) names = ct_report_section_names();

    return ct_names_list(names, " and ");
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

static gboolean is_asked_for(const struct part *part, const struct ct_report_layout *layout)
{
    switch (layout->extent) {
    case CT_REPORT_OVERVIEW:
        return part->is_overview;
    case CT_REPORT_SECTION:
        return g_strcmp0(part->section, layout->section) == 0;
    default:
        return TRUE;
    }
}

/* What an overview leaves out. */
static void write_more(const struct ct_text_out *out)
{
    g_autofree char *sections = ct_report_section_list();

    ct_text_out_heading(out, "More: ctrace report SECTION, of %s; ctrace report --all", sections);
}

void ct_report_write_text(const struct ct_report *report, const struct ct_report_layout *layout,
                          FILE *file)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct ct_text_out out = {.report = report, .layout = layout, .text = text};

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (is_asked_for(&parts[i], layout))
            parts[i].write(&out);
    }
    if (layout->extent == CT_REPORT_SECTION && text->len == 0)
        ct_text_out_heading(&out,
                            ct_report_is_whole(report)
                                ? "There are no %s in this recording"
                                : "Of a part of a recording, %s are not told: leave out the "
                                  "options that ask for one",
                            layout->section);
    if (layout->extent == CT_REPORT_OVERVIEW)
        write_more(&out);
    if (layout->has_colour)
        write_coloured(text->str, file);
    else
        fputs(text->str, file);
}
