#include "serve/question.h"

#include "serve/status.h"

#include <math.h>
#include <string.h>

#define FOLDER "debug/pprof"

/* As ctrace record --cpu=HZ has it. */
enum { HZ_DEFAULT = 99, HZ_MAX = 10000 };

/* What runs is to be seen once within a short time. */
enum { HZ_OF_MOMENT = 999 };

enum { DEBUG_MAX = 2 };

static gboolean refuse(GError **error, enum ct_serve_status status, char *words)
{
    g_set_error_literal(error, CT_SERVE_STATUS, status, words);
    g_free(words);
    return FALSE;
}

/* ---- The path ---- */

static gboolean is_process(const char *word)
{
    return g_ascii_string_to_unsigned(word, 10, 1, G_MAXINT32, NULL, NULL);
}

/* What is asked for below FOLDER. NULL: that is not where it leads. */
static const char *below_folder(struct ct_question *question, const char *path)
{
    const char *slash = strchr(path, '/');

    if (slash && !g_str_has_prefix(path, FOLDER "/")) {
        question->process = g_strndup(path, (gsize)(slash - path));
        question->is_by_path = TRUE;
        path = slash + 1;
        if (!is_process(question->process))
            return NULL;
    }
    return g_str_has_prefix(path, FOLDER "/") ? path + strlen(FOLDER "/") : NULL;
}

char *ct_question_redirect(const char *path)
{
    const char *slash = strchr(path, '/');
    g_autofree char *first = g_strndup(path, slash ? (gsize)(slash - path) : strlen(path));

    if (!*path || strcmp(path, "debug/") == 0)
        return g_strdup(*path ? "pprof/" : FOLDER "/");
    if (strcmp(path, FOLDER) == 0)
        return g_strdup("pprof/");
    if (!is_process(first))
        return NULL;
    if (!slash)
        return g_strconcat(first, "/" FOLDER "/", NULL);
    if (!slash[1])
        return g_strdup(FOLDER "/");
    return strcmp(slash + 1, FOLDER) == 0 ? g_strdup("pprof/") : NULL;
}

/* ---- Parameters ---- */

static gboolean take_seconds(struct ct_question *question, const char *text, GError **error)
{
    char *end;
    double seconds = g_ascii_strtod(text, &end);

    /* What is allocated is known for the present only. */
    question->is_past = seconds < 0 && question->duration_ms > 0;
    if (question->is_past)
        seconds = -seconds;
    if (!*text || *end || !isfinite(seconds) || seconds < 0.001 ||
        seconds > CT_QUESTION_SECONDS_MAX)
        return refuse(error, CT_SERVE_WRONG,
                      g_strdup_printf("seconds=%s: give a number of seconds, up to %d", text,
                                      CT_QUESTION_SECONDS_MAX));
    if (question->duration_ms > 0)
        question->duration_ms = (guint64)llround(seconds * 1000);
    else
        question->delta_ms = (guint64)llround(seconds * 1000);
    return TRUE;
}

static gboolean take_hz(struct ct_question *question, const char *text, GError **error)
{
    guint64 hz;

    if (!g_ascii_string_to_unsigned(text, 10, 1, HZ_MAX, &hz, NULL))
        return refuse(error, CT_SERVE_WRONG,
                      g_strdup_printf("hz=%s: give how many samples to take in each second of CPU "
                                      "time: a whole number from 1 to %d",
                                      text, HZ_MAX));
    if (question->duration_ms > 0)
        question->hz = (guint)hz;
    question->has_hz = TRUE;
    return TRUE;
}

static gboolean take_debug(struct ct_question *question, const char *text, GError **error)
{
    guint64 debug;

    if (!g_ascii_string_to_unsigned(text, 10, 0, DEBUG_MAX, &debug, NULL))
        return refuse(error, CT_SERVE_WRONG,
                      g_strdup_printf("debug=%s: give 0 for programs, 1 or 2 for text", text));
    question->debug = (guint)debug;
    return TRUE;
}

static gboolean take_process(struct ct_question *question, const char *text, GError **error)
{
    if (!*text)
        return refuse(error, CT_SERVE_WRONG, g_strdup("process= is empty: give an id or a name"));
    if (question->process && strcmp(question->process, text) != 0)
        return refuse(
            error, CT_SERVE_WRONG,
            g_strdup_printf("process=%s: the address names process %s", text, question->process));
    g_free(question->process);
    question->process = g_strdup(text);
    return TRUE;
}

static gboolean take_format(struct ct_question *question, const char *text, GError **error)
{
    if (strcmp(text, "tar") != 0 && strcmp(text, "perfetto") != 0)
        return refuse(error, CT_SERVE_WRONG,
                      g_strdup_printf("format=%s: give tar or perfetto", text));
    question->is_perfetto = strcmp(text, "perfetto") == 0;
    return TRUE;
}

/* "gc" is what Go's heap profiles take, and does nothing here. */
static gboolean take_nothing(struct ct_question *question, const char *text, GError **error)
{
    (void)question, (void)text, (void)error;
    return TRUE;
}

static const struct {
    const char *name;
    gboolean (*take)(struct ct_question *question, const char *text, GError **error);
} params[] = {
    {"seconds", take_seconds}, {"hz", take_hz},         {"debug", take_debug},
    {"process", take_process}, {"format", take_format}, {"gc", take_nothing},
};

static gboolean take_param(struct ct_question *question, const char *name, const char *text,
                           GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(params); i++)
        if (strcmp(params[i].name, name) == 0)
            return params[i].take(question, text, error);
    return refuse(error, CT_SERVE_WRONG,
                  g_strdup_printf("%s= is not understood; there are seconds, hz, debug, process "
                                  "and format",
                                  name));
}

/* One that is given twice would mean either. */
static gboolean take_params(struct ct_question *question, const char *query, GError **error)
{
    GUriParamsIter iterator;
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GError) failure = NULL;
    char *name, *value;

    g_uri_params_iter_init(&iterator, query, -1, "&", G_URI_PARAMS_WWW_FORM);
    while (g_uri_params_iter_next(&iterator, &name, &value, &failure)) {
        g_autofree char *text = value;
        gboolean is_good = take_param(question, name, text, error);

        if (is_good && g_hash_table_contains(known, name))
            is_good = refuse(error, CT_SERVE_WRONG, g_strdup_printf("%s= is there twice", name));
        g_hash_table_add(known, name);
        if (!is_good)
            return FALSE;
    }
    return !failure || refuse(error, CT_SERVE_WRONG, g_strdup("the parameters are none of a URL"));
}

/* ---- Both ---- */

static gboolean set_endpoint(struct ct_question *question, const char *name, GError **error)
{
    if (!*name)
        return TRUE;
    question->endpoint = ct_endpoint_find(name);
    if (!question->endpoint) {
        g_autofree char *list = ct_endpoint_list();

        return refuse(error, CT_SERVE_UNKNOWN,
                      g_strdup_printf("no profile is called \"%s\"; there are %s", name, list));
    }
    question->duration_ms = question->endpoint->default_ms;
    question->hz = !question->endpoint->is_sampled                   ? 0
                   : question->endpoint->kind == CT_ENDPOINT_THREADS ? HZ_OF_MOMENT
                                                                     : HZ_DEFAULT;
    return TRUE;
}

gboolean ct_question_parse(struct ct_question *question, const char *path, const char *query,
                           GError **error)
{
    *question = (struct ct_question){0};
    const char *name = below_folder(question, path);

    if (!name)
        return refuse(error, CT_SERVE_UNKNOWN, g_strdup("there is nothing here: see " FOLDER "/"));
    return set_endpoint(question, name, error) && (!query || take_params(question, query, error));
}

void ct_question_clear(struct ct_question *question)
{
    g_clear_pointer(&question->process, g_free);
}
