#include "export/report_format.h"

#include <string.h>

static const struct ct_report_format formats[] = {
    {"text", ct_report_write_text, TRUE, TRUE, FALSE},
    {"json", ct_report_write_json, TRUE, FALSE, TRUE},
    {"csv", ct_report_write_csv, FALSE, FALSE, FALSE},
};

/* That can be asked for alone in every format. */
static const char *const everywhere[] = {"latency"};

gboolean ct_report_format_has_section(const struct ct_report_format *format, const char *section)
{
    for (size_t i = 0; i < G_N_ELEMENTS(everywhere); i++) {
        if (strcmp(everywhere[i], section) == 0)
            return TRUE;
    }
    return format->has_sections;
}

const struct ct_report_format *ct_report_format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (!name || strcmp(name, formats[i].name) == 0)
            return &formats[i];
    }
    return NULL;
}

char *ct_report_format_list(void)
{
    GString *list = g_string_new(formats[0].name);

    for (size_t i = 1; i < G_N_ELEMENTS(formats); i++)
        g_string_append_printf(list, "%s%s", i + 1 < G_N_ELEMENTS(formats) ? ", " : " and ",
                               formats[i].name);
    return g_string_free(list, FALSE);
}
