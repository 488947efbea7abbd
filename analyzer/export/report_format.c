#include "export/report_format.h"

#include "text/names.h"

#include <string.h>

static const char *const none[] = {NULL};
static const char *const objects[] = {"heap", "latency", "path", "peers", "requests", NULL};
static const char *const tables[] = {"calls",    "heap",    "latency", "locks", "peers",
                                     "requests", "threads", "waits",   NULL};

static const struct ct_report_format formats[] = {
    {"text", ct_report_write_text, TRUE, TRUE, none, FALSE},
    {"json", ct_report_write_json, TRUE, FALSE, objects, TRUE},
    {"csv", ct_report_write_csv, FALSE, FALSE, tables, FALSE},
};

gboolean ct_report_format_has(const struct ct_report_format *format, const char *section)
{
    return format->has_sections || g_strv_contains(format->sections, section);
}

char *ct_report_format_sections(const struct ct_report_format *format)
{
    return format->sections[0] ? ct_names_list((char *const *)format->sections, " and ") : NULL;
}

const struct ct_report_format *ct_report_format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (!name || strcmp(name, formats[i].name) == 0)
            return &formats[i];
    }
    return NULL;
}

char **ct_report_format_names(void)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        g_strv_builder_add(names, formats[i].name);
    return g_strv_builder_end(names);
}

char *ct_report_format_list(void)
{
    g_auto(GStrv) names = ct_report_format_names();

    return ct_names_list(names, " and ");
}
