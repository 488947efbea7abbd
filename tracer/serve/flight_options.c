#include "serve/flight_options.h"

#include "options/quantity.h"

#include <string.h>

/* Below them, ctrace-record cannot keep what came last. */
#define STRETCH_MIN_NS G_GUINT64_CONSTANT(1000000000)
#define BYTES_MIN      G_GUINT64_CONSTANT(2000000)

enum { COUNT_MAX = 10000 };

static const struct ct_flight_limits usual = {
    .stretch_ns = G_GUINT64_CONSTANT(30000000000),
    .bytes = G_GUINT64_CONSTANT(64000000),
    .gap_ns = G_GUINT64_CONSTANT(60000000000),
    .count = 10,
};

static gboolean refuse(GError **error, char *words)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, words);
    g_free(words);
    return FALSE;
}

/* A time, a size, or both in that order. */
static gboolean read_flight(const char *text, struct ct_flight_limits *limits)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", 2);
    const char *size = parts[0] ? parts[1] : NULL;
    guint64 value;

    if (parts[0] && ct_quantity_parse_time(parts[0], &value))
        limits->stretch_ns = value;
    else if (parts[0] && !size)
        size = parts[0];
    else
        return FALSE;
    if (size && !ct_quantity_parse_size(size, &limits->bytes))
        return FALSE;
    return limits->stretch_ns >= STRETCH_MIN_NS && limits->bytes >= BYTES_MIN;
}

gboolean ct_flight_given_read(const struct ct_flight_given *given, struct ct_flight_limits *limits,
                              GError **error)
{
    const char *companion = given->folder  ? "--flight-dir"
                            : given->gap   ? "--flight-gap"
                            : given->count ? "--flight-count"
                                           : NULL;
    guint64 count;

    if (!given->flight)
        return !companion ||
               refuse(error, g_strdup_printf("%s goes with --flight: add --flight=30s", companion));
    *limits = usual;
    if (!read_flight(given->flight, limits))
        return refuse(error, g_strdup_printf("--flight=%s: give how long and how much to keep, "
                                             "such as 30s,64MB: a second and 2MB at least",
                                             given->flight));
    if (given->gap && !ct_quantity_parse_time(given->gap, &limits->gap_ns))
        return refuse(error, g_strdup_printf("--flight-gap=%s is no time: give a number with a "
                                             "unit, such as 60s",
                                             given->gap));
    if (given->count) {
        if (!g_ascii_string_to_unsigned(given->count, 10, 1, COUNT_MAX, &count, NULL))
            return refuse(error, g_strdup_printf("--flight-count=%s: give a whole number from 1 "
                                                 "to %d",
                                                 given->count, COUNT_MAX));
        limits->count = (guint)count;
    }
    return TRUE;
}

static void add_word(GStrvBuilder *words, const char *option, const char *value)
{
    g_autofree char *word = value ? g_strconcat(option, value, NULL) : NULL;

    if (word)
        g_strv_builder_add(words, word);
}

void ct_flight_given_add_words(const struct ct_flight_given *given, GStrvBuilder *words)
{
    /* Where it is started is not where it is printed. */
    g_autofree char *folder = given->folder ? g_canonicalize_filename(given->folder, NULL) : NULL;

    add_word(words, "--flight=", given->flight);
    add_word(words, "--flight-dir=", folder);
    add_word(words, "--flight-gap=", given->gap);
    add_word(words, "--flight-count=", given->count);
}

void ct_flight_given_clear(struct ct_flight_given *given)
{
    g_free(given->flight);
    g_free(given->folder);
    g_free(given->gap);
    g_free(given->count);
}
