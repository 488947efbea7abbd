#include "diff/words.h"

#include "text/figures.h"

#include <math.h>

/* From here on, times are told and not percents. */
#define MANY_TIMES 2.0

/* A value that no nanoseconds in 64 bits have. */
#define VALUE_MAX 1e19

char *ct_words_value(gboolean is_time, double value)
{
    double size = fmin(fabs(value), VALUE_MAX);
    const char *sign = value < 0 ? "-" : "";
    g_autofree char *text = NULL;

    if (!is_time && size < 100 && size > 0)
        return g_strdup_printf("%s%.3g", sign, size);
    text = is_time ? ct_format_duration((uint64_t)(size + 0.5))
                   : ct_format_count((uint64_t)(size + 0.5));
    return g_strdup_printf("%s%s", sign, text);
}

char *ct_words_direction(double old, double new)
{
    double more = fmax(old, new), less = fmin(old, new);
    const char *way = new > old ? "more" : "less";

    if (more <= less)
        return g_strdup("the same");
    if (less <= 0)
        return g_strdup(old > 0 ? "none is left" : "all of it is new");
    if (more / less >= MANY_TIMES)
        return g_strdup_printf(more / less < 10 ? "%.1f times %s" : "%.0f times %s", more / less,
                               way);
    double percent = 100 * fabs(new / old - 1);

    return g_strdup_printf(percent < 10 ? "%.1f %% %s" : "%.0f %% %s", percent, way);
}

char *ct_words_interval(gboolean is_time, const struct ct_shift *shift)
{
    double near = fmin(fabs(shift->low), fabs(shift->high));
    double far = fmax(fabs(shift->low), fabs(shift->high));

    if (!shift->has_interval)
        return g_strdup("");
    if (shift->low < 0 && shift->high > 0) {
        g_autofree char *less = ct_words_value(is_time, -shift->low);
        g_autofree char *more = ct_words_value(is_time, shift->high);

        return g_strdup_printf("between %s less and %s more", less, more);
    }
    g_autofree char *least = ct_words_value(is_time, near);
    g_autofree char *most = ct_words_value(is_time, far);

    return g_strdup_printf("between %s and %s %s", least, most, shift->high > 0 ? "more" : "less");
}

char *ct_words_p(double p)
{
    return p < 0.0001 ? g_strdup("p < 0.0001") : g_strdup_printf("p = %.2g", p);
}
