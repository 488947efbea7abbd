#include "options/quantity.h"

#include <math.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

/* A year: what is longer is a slip of the keyboard. */
#define MAX_TIME_NS 31536000e9

#define MAX_SIZE 1e18

/* In what the units are factors of. FALSE: it is no such number, or not below `max`. */
static gboolean parse(const char *text, const struct unit *units, size_t count, double max,
                      double *quantity)
{
    char *end;
    double number = g_ascii_strtod(text, &end);

    if (end == text || !isfinite(number) || number < 0)
        return FALSE;
    for (size_t i = 0; i < count; i++) {
        *quantity = number * units[i].factor;
        if (strcmp(end, units[i].name) == 0 && *quantity <= max)
            return TRUE;
    }
    *quantity = 0;
    return number == 0 && *end == '\0';
}

gboolean ct_quantity_parse_time(const char *text, uint64_t *time_ns)
{
    static const struct unit units[] = {{"ns", 1},   {"us", 1e3},   {"ms", 1e6},   {"s", 1e9},
                                        {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
    double ns = 0;
    gboolean is_time = parse(text, units, G_N_ELEMENTS(units), MAX_TIME_NS, &ns);

    *time_ns = (uint64_t)(ns + 0.5);
    return is_time;
}

gboolean ct_quantity_parse_size(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {{"k", 1e3}, {"kB", 1e3}, {"M", 1e6},  {"MB", 1e6},
                                        {"G", 1e9}, {"GB", 1e9}, {"T", 1e12}, {"TB", 1e12}};
    double size = 0;
    gboolean is_size = parse(text, units, G_N_ELEMENTS(units), MAX_SIZE, &size);

    *bytes = (uint64_t)size;
    return is_size;
}
