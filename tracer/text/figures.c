#include "figures.h"

/* From the largest on: below a hundred seconds three digits tell more than minutes would. */
static const struct {
    uint64_t from_ns;
    double unit_ns;
    const char *unit;
} duration_units[] = {
    {999500000, 1e9, "s"},
    {999500, 1e6, "ms"},
    {1000, 1e3, "us"},
};

char *ct_format_duration(uint64_t duration_ns)
{
    const uint64_t second_ns = 1000000000;
    uint64_t seconds = duration_ns / second_ns + (duration_ns % second_ns >= second_ns / 2);

    if (seconds >= 3600) {
        uint64_t minutes = seconds / 60;

        return g_strdup_printf("%" G_GUINT64_FORMAT "h %02" G_GUINT64_FORMAT "m", minutes / 60,
                               minutes % 60);
    }
    if (seconds >= 100)
        return g_strdup_printf("%" G_GUINT64_FORMAT "m %02" G_GUINT64_FORMAT "s", seconds / 60,
                               seconds % 60);
    for (size_t i = 0; i < G_N_ELEMENTS(duration_units); i++) {
        if (duration_ns >= duration_units[i].from_ns) {
            double value = (double)duration_ns / duration_units[i].unit_ns;
            int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

            return g_strdup_printf("%.*f %s", decimals, value, duration_units[i].unit);
        }
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT " ns", duration_ns);
}

char *ct_format_count(uint64_t count)
{
    char digits[32];
    GString *text = g_string_new(NULL);
    size_t length = (size_t)g_snprintf(digits, sizeof(digits), "%" G_GUINT64_FORMAT, count);

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            g_string_append_c(text, ',');
        g_string_append_c(text, digits[i]);
    }
    return g_string_free(text, FALSE);
}

char *ct_format_size(uint64_t bytes)
{
    return bytes < 1000 * 1000 ? g_strdup_printf("%.1f kB", (double)bytes / 1e3)
                               : g_strdup_printf("%.1f MB", (double)bytes / 1e6);
}

char *ct_format_bytes(double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;

    while (bytes >= 999.5 && unit + 1 < G_N_ELEMENTS(units)) {
        bytes /= 1024;
        unit++;
    }
    return g_strdup_printf("%.*f %s",
                           unit == 0 || bytes >= 99.95 ? 0
                           : bytes >= 9.995            ? 1
                                                       : 2,
                           bytes, units[unit]);
}
