#include "cli/window.h"

#include "model/format.h"

#include <math.h>
#include <string.h>

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

/* ---- Times of day ---- */

/* Takes so many digits, at most. */
static gboolean take_digits(const char **at, int most, int *number)
{
    const char *begin = *at;

    *number = 0;
    for (; *at - begin < most && g_ascii_isdigit(**at); ++*at)
        *number = *number * 10 + (**at - '0');
    return *at > begin;
}

static gboolean take_character(const char **at, char wanted)
{
    if (**at != wanted)
        return FALSE;
    ++*at;
    return TRUE;
}

static gboolean take_date(const char **at, struct ct_moment *moment)
{
    const char *begin = *at;

    if (take_digits(at, 4, &moment->year) && *at - begin == 4 && take_character(at, '-') &&
        take_digits(at, 2, &moment->month) && take_character(at, '-') &&
        take_digits(at, 2, &moment->day) && (take_character(at, ' ') || take_character(at, 'T')) &&
        g_date_valid_dmy((GDateDay)moment->day, (GDateMonth)moment->month, (GDateYear)moment->year))
        return TRUE;
    *at = begin;
    moment->year = 0;
    return FALSE;
}

/* What is beyond nanoseconds does not count. */
static gboolean take_fraction(const char **at, uint64_t *fraction_ns)
{
    uint64_t unit_ns = 100000000;

    if (!g_ascii_isdigit(**at))
        return FALSE;
    for (; g_ascii_isdigit(**at); ++*at, unit_ns /= 10)
        *fraction_ns += (uint64_t)(**at - '0') * unit_ns;
    return TRUE;
}

/* "14:03", "14:03:22.5", "2026-11-29 14:03:22". */
static gboolean read_clock(const char *text, struct ct_moment *moment)
{
    const char *at = text;

    moment->kind = CT_MOMENT_CLOCK;
    take_date(&at, moment);
    if (!take_digits(&at, 2, &moment->hour) || !take_character(&at, ':') ||
        !take_digits(&at, 2, &moment->minute))
        return FALSE;
    if (take_character(&at, ':') &&
        (!take_digits(&at, 2, &moment->second) ||
         (take_character(&at, '.') && !take_fraction(&at, &moment->offset_ns))))
        return FALSE;
    return *at == '\0' && moment->hour < 24 && moment->minute < 60 && moment->second < 60;
}

gboolean ct_moment_parse(const char *text, struct ct_moment *moment, GError **error)
{
    double number;
    const char *rest;

    *moment = (struct ct_moment){0};
    if (read_number(text, &number, &rest) && g_str_equal(rest, "%") && number <= 100) {
        *moment = (struct ct_moment){.kind = CT_MOMENT_SHARE, .share = number / 100};
        return TRUE;
    }
    if (strchr(text, ':') && read_clock(text, moment))
        return TRUE;
    *moment = (struct ct_moment){0};
    return read_duration(text, &moment->offset_ns) ||
           fail(error, text, "1.5s, 200ms, 10us, 25%, 14:03:22.5 or \"2026-11-29 14:03:22\"");
}

gboolean ct_moment_may_precede(const struct ct_moment *from, const struct ct_moment *to)
{
    if (from->kind != to->kind)
        return TRUE;
    if (from->kind == CT_MOMENT_SHARE)
        return from->share < to->share;
    /* Times of day may be of different days. */
    return from->kind == CT_MOMENT_CLOCK || from->offset_ns < to->offset_ns;
}

char *ct_window_format_clock(uint64_t time_ns, int64_t epoch_offset_ns)
{
    const int64_t second_ns = 1000000000;
    int64_t since_ns;

    if (__builtin_add_overflow((int64_t)time_ns, epoch_offset_ns, &since_ns) || since_ns < 0)
        return g_strdup("unknown");
    g_autoptr(GDateTime) second = g_date_time_new_from_unix_local(since_ns / second_ns);
    g_autofree char *text = second ? g_date_time_format(second, "%Y-%m-%d %H:%M:%S") : NULL;

    return text ? g_strdup_printf("%s.%03d", text, (int)(since_ns % second_ns / 1000000))
                : g_strdup("unknown");
}

/* The moment on that day, in the recording's time. FALSE: there is none, as where clocks are put
 * forward. */
static gboolean place_on_day(const struct ct_moment *moment, GDateTime *day,
                             int64_t epoch_offset_ns, int64_t *time_ns)
{
    g_autoptr(GDateTime) second = g_date_time_new_local(
        g_date_time_get_year(day), g_date_time_get_month(day), g_date_time_get_day_of_month(day),
        moment->hour, moment->minute, moment->second);

    if (!second)
        return FALSE;
    *time_ns =
        g_date_time_to_unix(second) * 1000000000 + (int64_t)moment->offset_ns - epoch_offset_ns;
    return TRUE;
}

static gboolean lies_in(const struct ct_window *extent, int64_t time_ns)
{
    return time_ns >= (int64_t)extent->begin_ns && time_ns <= (int64_t)extent->end_ns;
}

/* Whoever copies a time from an output has its milliseconds only: what is of the same one as an end
 * is that end. */
static int64_t snap(const struct ct_window *extent, int64_t time_ns)
{
    const int64_t step_ns = 1000000;

    if (time_ns < (int64_t)extent->begin_ns && time_ns + step_ns > (int64_t)extent->begin_ns)
        return (int64_t)extent->begin_ns;
    return time_ns;
}

/* The first day of the recording on which it is, unless it has one. */
static gboolean find_clock(const struct ct_moment *moment, const struct ct_recorded_time *recorded,
                           int64_t *time_ns)
{
    const int64_t second_ns = 1000000000;
    const struct ct_window *extent = &recorded->extent;
    int64_t begin_s = ((int64_t)extent->begin_ns + recorded->epoch_offset_ns) / second_ns;
    int64_t end_s = ((int64_t)extent->end_ns + recorded->epoch_offset_ns) / second_ns;
    g_autoptr(GDateTime) day =
        moment->year > 0 ? g_date_time_new_local(moment->year, moment->month, moment->day, 12, 0, 0)
                         : g_date_time_new_from_unix_local(begin_s);

    while (day) {
        if (place_on_day(moment, day, recorded->epoch_offset_ns, time_ns)) {
            *time_ns = snap(extent, *time_ns);
            if (lies_in(extent, *time_ns))
                return TRUE;
        }
        GDateTime *next = g_date_time_add_days(day, 1);

        g_date_time_unref(day);
        day = next;
        if (moment->year > 0 || !day || g_date_time_to_unix(day) > end_s + 86400)
            return FALSE;
    }
    return FALSE;
}

/* A time of day becomes one since the beginning. */
static gboolean settle_clock(struct ct_moment *moment, const char *option,
                             const struct ct_recorded_time *recorded, GError **error)
{
    int64_t time_ns;

    if (moment->kind != CT_MOMENT_CLOCK)
        return TRUE;
    if (find_clock(moment, recorded, &time_ns)) {
        *moment = (struct ct_moment){.offset_ns = (uint64_t)time_ns - recorded->extent.begin_ns};
        return TRUE;
    }
    g_autofree char *begin =
        ct_window_format_clock(recorded->extent.begin_ns, recorded->epoch_offset_ns);
    g_autofree char *end =
        ct_window_format_clock(recorded->extent.end_ns, recorded->epoch_offset_ns);

    g_set_error(error, CT_WINDOW_ERROR, CT_WINDOW_ERROR_OUTSIDE,
                "%s is not in the recording, which is from %s to %s (local time)", option, begin,
                end);
    return FALSE;
}

/* Saturates: a moment past the end is told apart by being larger. */
static uint64_t offset_ns(const struct ct_moment *moment, uint64_t length_ns)
{
    if (moment->kind != CT_MOMENT_SHARE)
        return moment->offset_ns;
    return moment->share >= 1 ? length_ns : (uint64_t)(moment->share * (double)length_ns);
}

gboolean ct_window_resolve(const struct ct_moment *from, const struct ct_moment *to,
                           const struct ct_recorded_time *recorded, struct ct_window *window,
                           GError **error)
{
    const struct ct_window *extent = &recorded->extent;
    struct ct_moment first = {0}, last = {.kind = CT_MOMENT_SHARE, .share = 1};
    uint64_t length_ns = extent->end_ns - extent->begin_ns;

    if (from)
        first = *from;
    if (to)
        last = *to;
    if (!settle_clock(&first, "--from", recorded, error) ||
        !settle_clock(&last, "--to", recorded, error))
        return FALSE;
    uint64_t from_ns = offset_ns(&first, length_ns);
    uint64_t to_ns = MIN(offset_ns(&last, length_ns), length_ns);

    *window =
        (struct ct_window){extent->begin_ns + MIN(from_ns, length_ns), extent->begin_ns + to_ns};
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
