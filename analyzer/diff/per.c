#include "diff/per.h"

#include <math.h>
#include <string.h>

#define NS_PER_S 1e9

static const struct {
    const char *name;
    const char *words;
} kinds[] = {
    [CT_PER_SECOND] = {"second", "a second"},
    [CT_PER_RUN] = {"run", ""},
    [CT_PER_REQUEST] = {"request", "a request"},
    [CT_PER_UNIT] = {"unit", "a unit"},
};

const char *ct_per_name(const struct ct_per *per)
{
    return kinds[per->kind].name;
}

char **ct_per_names(void)
{
    char **names = g_new0(char *, CT_PER_UNIT + 1);

    for (int kind = CT_PER_SECOND; kind < CT_PER_UNIT; kind++)
        names[kind] = g_strdup(kinds[kind].name);
    return names;
}

const char *ct_per_words(const struct ct_per *per)
{
    return kinds[per->kind].words;
}

static gboolean parse_units(const char *option, const char *text, double *units, GError **error)
{
    char *end;

    *units = g_ascii_strtod(text, &end);
    if (end != text && !*end && isfinite(*units) && *units > 0)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s=%s is no number above 0: how many units of work has each run done?%s", option,
                text, strcmp(option, "--per") == 0 ? " Or second, run or request." : "");
    return FALSE;
}

gboolean ct_per_parse(const char *per, const char *per_old, const char *per_new,
                      struct ct_per *result, GError **error)
{
    *result = (struct ct_per){.kind = CT_PER_SECOND};
    if (!per_old != !per_new || (per && per_old)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "give --per for both sides, or --per-old and --per-new");
        return FALSE;
    }
    for (int kind = CT_PER_SECOND; per && kind < CT_PER_UNIT; kind++) {
        if (strcmp(per, kinds[kind].name) == 0) {
            result->kind = (enum ct_per_kind)kind;
            return TRUE;
        }
    }
    if (!per && !per_old)
        return TRUE;
    result->kind = CT_PER_UNIT;
    return parse_units(per ? "--per" : "--per-old", per ? per : per_old, &result->units[CT_OLD],
                       error) &&
           parse_units(per ? "--per" : "--per-new", per ? per : per_new, &result->units[CT_NEW],
                       error);
}

double ct_per_divisor(const struct ct_per *per, enum ct_side side, const struct ct_digest *digest)
{
    switch (per->kind) {
    case CT_PER_SECOND:
        return (double)digest->duration_ns / NS_PER_S;
    case CT_PER_RUN:
        return 1;
    case CT_PER_REQUEST:
        return digest->requests;
    case CT_PER_UNIT:
    default:
        return per->units[side];
    }
}
