#include "cli/scope.h"

#include "cli/window.h"

#include <string.h>

void ct_scope_add_options(struct ct_scope *scope, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        {"process", 0, 0, G_OPTION_ARG_STRING_ARRAY, &scope->processes,
         "Only of this process; can be repeated, and may hold * and ?", "NAME|PID"},
        {"thread", 0, 0, G_OPTION_ARG_STRING_ARRAY, &scope->threads,
         "Only of this thread; can be repeated, and may hold * and ?", "NAME|TID"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &scope->from, "Only what happened after TIME", "TIME"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &scope->to, "Only what happened before TIME", "TIME"},
        {0}};

    g_option_context_add_main_entries(context, entries, NULL);
}

void ct_scope_refuse_threads(struct ct_scope *scope, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        {"threads", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &scope->misnamed, NULL, NULL},
        {0}};

    g_option_context_add_main_entries(context, entries, NULL);
}

void ct_scope_clear(struct ct_scope *scope)
{
    g_free(scope->from);
    g_free(scope->to);
    g_strfreev(scope->processes);
    g_strfreev(scope->threads);
    g_free(scope->misnamed);
}

static gboolean parse(const char *option, const char *text, struct ct_moment *moment,
                      GError **error)
{
    if (ct_moment_parse(text, moment, error))
        return TRUE;
    g_prefix_error(error, "%s: ", option);
    return FALSE;
}

gboolean ct_scope_check(const struct ct_scope *scope, GError **error)
{
    struct ct_moment from, to;

    if (scope->misnamed) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--threads=%s is an option of ctrace timeline: here it is --thread=NAME or "
                    "--thread=TID, once for each",
                    scope->misnamed);
        return FALSE;
    }
    if ((scope->from && !parse("--from", scope->from, &from, error)) ||
        (scope->to && !parse("--to", scope->to, &to, error)))
        return FALSE;
    /* Of a share and a time it takes the recording to tell. */
    if (!scope->from || !scope->to || from.is_share != to.is_share)
        return TRUE;
    if (from.is_share ? from.share < to.share : from.offset_ns < to.offset_ns)
        return TRUE;
    g_set_error(error, CT_WINDOW_ERROR, CT_WINDOW_ERROR_SYNTAX, "--from=%s is not before --to=%s",
                scope->from, scope->to);
    return FALSE;
}

gboolean ct_scope_is_whole_time(const struct ct_scope *scope)
{
    return !scope->from && !scope->to;
}

static void append_option(GString *options, const char *name, const char *value)
{
    g_autofree char *quoted = value ? g_shell_quote(value) : NULL;

    if (value)
        g_string_append_printf(options, "%s--%s=%s", options->len > 0 ? " " : "", name,
                               strpbrk(value, " \t\n'\"\\*?$&|;<>()[]{}`~#!") ? quoted : value);
}

char *ct_scope_time_options(const struct ct_scope *scope)
{
    GString *options = g_string_new(NULL);

    append_option(options, "from", scope->from);
    append_option(options, "to", scope->to);
    return g_string_free(options, FALSE);
}

char *ct_scope_selection_options(const struct ct_scope *scope)
{
    GString *options = g_string_new(NULL);

    for (char **name = scope->processes; name && *name; name++)
        append_option(options, "process", *name);
    for (char **name = scope->threads; name && *name; name++)
        append_option(options, "thread", *name);
    return g_string_free(options, FALSE);
}

struct ct_selection ct_scope_selection(const struct ct_scope *scope)
{
    return (struct ct_selection){(const char *const *)scope->processes,
                                 (const char *const *)scope->threads};
}
