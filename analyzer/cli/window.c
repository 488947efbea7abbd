#include "cli/window.h"

#include "model/format.h"

#include <math.h>

G_DEFINE_QUARK(ct - window - error - quark, ct_window_error)

/* The micro sign and the Greek letter look the same. */
static const struct unit {
    const char *suffix;
    double ns;
} units[] = {
    {"ns", 1},   {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3},
    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9}, {"h", 3600e9},
};

static gboolean fail(GError **error, const char *text, const char *forms)
{
    g_set_error(error, CT_WINDOW_ERROR, CT_WINDOW_ERROR_SYNTAX, "'%s' is no time: write it as %s",
                text, forms);
    return FALSE;
}

static gboolean read_number(const char *text, double *number, const char **rest)
{
    /* No sign, no hexadecimal, no "inf" or "nan". */
    if (!g_ascii_isdigit(*text) && *text != '.')
        return FALSE;
    if (text[0] == '0' && g_ascii_tolower(text[1]) == 'x')
        return FALSE;
    char *end;
    *number = g_ascii_strtod(text, &end);
    *rest = end;
    return end != text && isfinite(*number);
}

static gboolean read_duration(const char *text, uint64_t *duration_ns)
{
    double number;
    const char *unit;
    if (!read_number(text, &number, &unit))
        return FALSE;
    if (number == 0 && !*unit) {
        *duration_ns = 0;
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_str_equal(unit, units[i].suffix) && number * units[i].ns < 0x1p63) {
            *duration_ns = (uint64_t)llround(number * units[i].ns);
            return TRUE;
        }
    return FALSE;
}

gboolean ct_duration_parse(const char *text, uint64_t *duration_ns, GError **error)
{
    return read_duration(text, duration_ns) || fail(error, text, "1.5s, 200ms or 10us");
}

gboolean ct_moment_parse(const char *text, struct ct_moment *moment, GError **error)
{
    double number;
    const char *rest;
    *moment = (struct ct_moment){0};
    if (read_number(text, &number, &rest) && g_str_equal(rest, "%") && number <= 100) {
        *moment = (struct ct_moment){.is_share = TRUE, .share = number / 100};
        return TRUE;
    }
    return read_duration(text, &moment->offset_ns) || fail(error, text, "1.5s, 200ms, 10us or 25%");
}

/* Saturates: a moment past the end is told apart by being larger. */
static uint64_t offset_ns(const struct ct_moment *moment, uint64_t length_ns)
{
    if (!moment->is_share)
        return moment->offset_ns;
    return moment->share >= 1 ? length_ns : (uint64_t)(moment->share * (double)length_ns);
}

gboolean ct_window_resolve(const struct ct_moment *from, const struct ct_moment *to,
                           const struct ct_window *recording, struct ct_window *window,
                           GError **error)
{
    uint64_t length_ns = recording->end_ns - recording->begin_ns;
    uint64_t from_ns = from ? offset_ns(from, length_ns) : 0;
    uint64_t to_ns = MIN(to ? offset_ns(to, length_ns) : length_ns, length_ns);
    *window = (struct ct_window){recording->begin_ns + MIN(from_ns, length_ns),
                                 recording->begin_ns + to_ns};
    if (!from && !to)
        return TRUE;

    g_autofree char *length = ct_format_duration(length_ns);
    if (from_ns >= length_ns) {
        g_set_error(error, CT_WINDOW_ERROR, CT_WINDOW_ERROR_OUTSIDE,
                    "--from lies after the end: the recording is %s long", length);
        return FALSE;
    }
    if (from_ns >= to_ns) {
        g_set_error(error, CT_WINDOW_ERROR, CT_WINDOW_ERROR_OUTSIDE,
                    "--from must lie before --to (the recording is %s long)", length);
        return FALSE;
    }
    return TRUE;
}
