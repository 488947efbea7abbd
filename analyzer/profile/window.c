#include "profile/window.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    double ns;
} units[] = {{"ns", 1},  {"us", 1e3}, {"\302\265s", 1e3}, {"ms", 1e6},
             {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};

static gboolean fail(GError **error, const char *text, const char *forms)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "\"%s\" is no time: write it as %s", text, forms);
    return FALSE;
}

/* Finds where the number ends; negative and infinite ones are none. */
static gboolean parse_number(const char *text, double *number, const char **rest)
{
    char *end;

    if (!g_ascii_isdigit(text[0]) && text[0] != '.')
        return FALSE;
    *number = g_ascii_strtod(text, &end);
    *rest = end;
    return end != text && isfinite(*number);
}

static gboolean parse_duration(const char *text, uint64_t *duration_ns)
{
    double number;
    const char *unit;

    if (!parse_number(text, &number, &unit))
        return FALSE;
    if (number == 0 && !*unit) {
        *duration_ns = 0;
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(unit, units[i].name) == 0) {
            *duration_ns = (uint64_t)fmin(round(number * units[i].ns), 9e18);
            return TRUE;
        }
    }
    return FALSE;
}

gboolean ct_window_parse_duration(const char *text, uint64_t *duration_ns, GError **error)
{
    return parse_duration(text, duration_ns) || fail(error, text, "1.5s, 200ms or 10us");
}

gboolean ct_window_parse_time(const char *text, uint64_t whole_ns, uint64_t *time_ns,
                              GError **error)
{
    double number;
    const char *rest;

    if (parse_number(text, &number, &rest) && strcmp(rest, "%") == 0 && number <= 100) {
        *time_ns = (uint64_t)round((double)whole_ns * (number / 100));
        return TRUE;
    }
    return parse_duration(text, time_ns) || fail(error, text, "1.5s, 200ms, 10us or 25%");
}
