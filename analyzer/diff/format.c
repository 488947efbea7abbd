#include "diff/format.h"

#include <string.h>

static const struct ct_diff_format formats[] = {
    {"text", ct_diff_write_text}, {"json", ct_diff_write_json}, {"csv", ct_diff_write_csv}};

const struct ct_diff_format *ct_diff_format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (!name || strcmp(name, formats[i].name) == 0)
            return &formats[i];
    }
    return NULL;
}

char **ct_diff_format_names(void)
{
    char **names = g_new0(char *, G_N_ELEMENTS(formats) + 1);

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        names[i] = g_strdup(formats[i].name);
    return names;
}
