#include "serve/settings.h"

#include "options/quantity.h"
#include "text/names.h"

#include <string.h>

/* Whose profiles are worth their room at all times: where the CPU went, what was waited for, and
 * who held the locks. */
#define PROFILES      "cpu,block,mutex"
#define PROFILES_HEAP PROFILES ",heap,allocs"

#define EVERY_MIN_MS 1000
#define EVERY_MAX_MS (24 * 3600 * 1000)
#define MS_NS        1000000

/* Less would hold nothing. */
#define BYTES_MIN 1000000

static gboolean refuse(GError **error, char *words)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, words);
    g_free(words);
    return FALSE;
}

static gboolean parse_time(const char *option, const char *text, guint64 *time_ms, GError **error)
{
    guint64 time_ns = 0;

    if (!ct_quantity_parse_time(text, &time_ns) || time_ns < MS_NS)
        return refuse(error, g_strdup_printf("--%s=%s is no time: give a number with a unit, such "
                                             "as 10s, 5m or 7d",
                                             option, text));
    *time_ms = time_ns / MS_NS;
    return TRUE;
}

/* ---- Kinds ---- */

/* By what its file is called, or by its address. NULL: it is no profile. */
static const struct ct_endpoint *find_endpoint(const char *name)
{
    const struct ct_endpoint *endpoint;

    for (guint i = 0; (endpoint = ct_endpoint_at(i)); i++)
        if (endpoint->profile &&
            (strcmp(endpoint->profile, name) == 0 || strcmp(endpoint->name, name) == 0))
            return endpoint;
    return NULL;
}

/* With `has_purpose` each has what it is behind a tab. */
static char **list_kinds(gboolean has_purpose)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    const struct ct_endpoint *endpoint;

    for (guint i = 0; (endpoint = ct_endpoint_at(i)); i++) {
        if (!endpoint->profile || find_endpoint(endpoint->profile) != endpoint)
            continue;
        g_autofree char *word = has_purpose
                                    ? g_strconcat(endpoint->profile, "\t", endpoint->purpose, NULL)
                                    : g_strdup(endpoint->profile);

        g_strv_builder_add(builder, word);
    }
    return g_strv_builder_end(builder);
}

char **ct_settings_list_kinds(void)
{
    return list_kinds(TRUE);
}

static gboolean has_kind(const GArray *kinds, const char *name)
{
    for (guint i = 0; i < kinds->len; i++)
        if (strcmp(g_array_index(kinds, struct ct_settings_kind, i).name, name) == 0)
            return TRUE;
    return FALSE;
}

static void kind_clear(void *data)
{
    struct ct_settings_kind *kind = data;

    ct_question_clear(&kind->question);
}

/* What is live is looked at, as is what threads do now; what was allocated is that within the
 * time, as all else is, so that profiles can be summed up. */
static char *query_of(const struct ct_endpoint *endpoint, guint64 duration_ms)
{
    gboolean is_moment =
        endpoint->kind == CT_ENDPOINT_THREADS || strcmp(endpoint->profile, "heap") == 0;

    return is_moment ? NULL
                     : g_strdup_printf("seconds=%u.%03u", (guint)(duration_ms / 1000),
                                       (guint)(duration_ms % 1000));
}

static gboolean add_kind(GArray *kinds, const char *name, guint64 duration_ms, gboolean has_heap,
                         GError **error)
{
    const struct ct_endpoint *endpoint = find_endpoint(name);
    struct ct_settings_kind kind = {0};

    if (!endpoint) {
        g_auto(GStrv) known = list_kinds(FALSE);
        g_autofree char *all = ct_names_list(known, " and ");

        return refuse(error, g_strdup_printf("--profiles: there is no \"%s\", but %s", name, all));
    }
    if (endpoint->kind == CT_ENDPOINT_HEAP && !has_heap)
        return refuse(error, g_strdup_printf("--profiles: %s takes --heap, and a program that is "
                                             "started",
                                             name));
    if (has_kind(kinds, endpoint->profile))
        return TRUE;
    g_autofree char *path = g_strconcat("debug/pprof/", endpoint->name, NULL);
    g_autofree char *query = query_of(endpoint, duration_ms);
    gboolean is_good = ct_question_parse(&kind.question, path, query, error);

    kind.name = endpoint->profile;
    g_array_append_val(kinds, kind);
    return is_good;
}

/* Of what the kernel records, profiles with samples and without are read of one recording then. */
static void share_recording(GArray *kinds)
{
    guint hz = 0;

    for (guint i = 0; i < kinds->len; i++) {
        const struct ct_settings_kind *kind = &g_array_index(kinds, struct ct_settings_kind, i);

        if (kind->question.endpoint->kind == CT_ENDPOINT_PROFILE)
            hz = MAX(hz, kind->question.hz);
    }
    for (guint i = 0; i < kinds->len; i++) {
        struct ct_settings_kind *kind = &g_array_index(kinds, struct ct_settings_kind, i);

        if (kind->question.endpoint->kind == CT_ENDPOINT_PROFILE)
            kind->question.hz = hz;
    }
}

static gboolean parse_kinds(struct ct_settings *settings, const char *profiles, guint64 duration_ms,
                            gboolean has_heap, GError **error)
{
    g_auto(GStrv) names = g_strsplit(profiles   ? profiles
                                     : has_heap ? PROFILES_HEAP
                                                : PROFILES,
                                     ",", -1);

    for (char **name = names; *name; name++)
        if (!add_kind(settings->kinds, *name, duration_ms, has_heap, error))
            return FALSE;
    share_recording(settings->kinds);
    return settings->kinds->len > 0 ||
           refuse(error, g_strdup("--profiles names none: leave it out for the usual ones"));
}

/* ---- All of them ---- */

static gboolean is_alone(const struct ct_settings_options *options, GError **error)
{
    if (!options->duration && !options->keep && !options->max && !options->directory &&
        !options->profiles)
        return TRUE;
    return refuse(error, g_strdup("--for, --keep, --max, --dir and --profiles are of what is "
                                  "collected: add --every=60s"));
}

static gboolean parse_times(struct ct_settings *settings, const struct ct_settings_options *options,
                            guint64 *duration_ms, GError **error)
{
    guint64 every_ms = 0, keep_ms = 0;
    const char *duration = options->duration ? options->duration : CT_SETTINGS_DURATION;

    if (!parse_time("every", options->every, &every_ms, error) ||
        !parse_time("for", duration, duration_ms, error) ||
        !parse_time("keep", options->keep ? options->keep : CT_SETTINGS_KEEP, &keep_ms, error))
        return FALSE;
    if (every_ms < EVERY_MIN_MS || every_ms > EVERY_MAX_MS)
        return refuse(error, g_strdup_printf("--every=%s: from 1s to 1d", options->every));
    if (*duration_ms > every_ms || *duration_ms > CT_QUESTION_SECONDS_MAX * 1000)
        return refuse(error, g_strdup_printf("--for=%s is longer than --every=%s, or than an hour: "
                                             "give a shorter --for",
                                             duration, options->every));
    settings->every_ms = (guint)every_ms;
    settings->keep_s = (gint64)MAX(keep_ms / 1000, 1);
    return TRUE;
}

gboolean ct_settings_parse(struct ct_settings *settings, const struct ct_settings_options *options,
                           gboolean has_heap, GError **error)
{
    const char *max = options->max ? options->max : CT_SETTINGS_MAX;
    guint64 duration_ms = 0;

    *settings = (struct ct_settings){0};
    if (!options->every)
        return is_alone(options, error);
    settings->kinds = g_array_new(FALSE, FALSE, sizeof(struct ct_settings_kind));
    g_array_set_clear_func(settings->kinds, kind_clear);
    settings->directory = g_canonicalize_filename(
        options->directory ? options->directory : CT_SETTINGS_DIRECTORY, NULL);
    if (!parse_times(settings, options, &duration_ms, error))
        return FALSE;
    if (!ct_quantity_parse_size(max, &settings->bytes_max) || settings->bytes_max < BYTES_MIN)
        return refuse(error, g_strdup_printf("--max=%s is no size, or less than 1MB: give a number "
                                             "with a unit, such as 500MB or 2GB",
                                             max));
    return parse_kinds(settings, options->profiles, duration_ms, has_heap, error);
}

void ct_settings_clear(struct ct_settings *settings)
{
    g_clear_pointer(&settings->kinds, g_array_unref);
    g_clear_pointer(&settings->directory, g_free);
}
