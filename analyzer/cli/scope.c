#include "cli/scope.h"

#include "cli/window.h"
#include "options/nearest.h"
#include "text/shell_word.h"

#include <string.h>

void ct_scope_add_part_options(struct ct_scope *scope, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        {"process", 0, 0, G_OPTION_ARG_STRING_ARRAY, &scope->processes, "Only of this process",
         "NAME|PID"},
        {"thread", 0, 0, G_OPTION_ARG_STRING_ARRAY, &scope->threads, "Only of this thread",
         "NAME|TID"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &scope->from, "Only what happened after TIME", "TIME"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &scope->to, "Only what happened before TIME", "TIME"},
        {0}};

    g_option_context_add_main_entries(context, entries, NULL);
}

void ct_scope_add_options(struct ct_scope *scope, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        {"class", 0, 0, G_OPTION_ARG_STRING_ARRAY, &scope->classes,
         "Only waits of these classes, such as net or sync,syscall", "CLASS,..."},
        {"op", 0, 0, G_OPTION_ARG_STRING_ARRAY, &scope->operations,
         "Only waits in this operation, such as read or pthread_*_lock", "OPERATION"},
        {"object", 0, 0, G_OPTION_ARG_STRING_ARRAY, &scope->objects,
         "Only waits for this: a lock's name or address, a file, a peer, a thread", "NAME"},
        {"place", 0, 0, G_OPTION_ARG_STRING, &scope->place,
         "Only waits with a function or file:line in their stack that REGEX matches", "REGEX"},
        {"min", 0, 0, G_OPTION_ARG_STRING, &scope->min, "Only waits that lasted at least this long",
         "DURATION"},
        {"no-idle", 0, 0, G_OPTION_ARG_NONE, &scope->is_without_idle,
         "Without waits for work: only what delays something", NULL},
        {0}};

    ct_scope_add_part_options(scope, context);
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
    g_free(scope->min);
    g_free(scope->place);
    g_strfreev(scope->processes);
    g_strfreev(scope->threads);
    g_strfreev(scope->classes);
    g_strfreev(scope->operations);
    g_strfreev(scope->objects);
    g_strfreev(scope->operation_list);
    g_free(scope->misnamed);
    g_clear_pointer(&scope->regex, g_regex_unref);
}

/* ---- Times ---- */

static gboolean parse(const char *option, const char *text, struct ct_moment *moment,
                      GError **error)
{
    if (ct_moment_parse(text, moment, error))
        return TRUE;
    g_prefix_error(error, "%s: ", option);
    return FALSE;
}

static gboolean check_times(const struct ct_scope *scope, GError **error)
{
    struct ct_moment from, to;

    if ((scope->from && !parse("--from", scope->from, &from, error)) ||
        (scope->to && !parse("--to", scope->to, &to, error)))
        return FALSE;
    if (!scope->from || !scope->to || ct_moment_may_precede(&from, &to))
        return TRUE;
    g_set_error(error, CT_WINDOW_ERROR, CT_WINDOW_ERROR_SYNTAX, "--from=%s is not before --to=%s",
                scope->from, scope->to);
    return FALSE;
}

static gboolean check_min(struct ct_scope *scope, GError **error)
{
    if (!scope->min || ct_duration_parse(scope->min, &scope->selection.min_ns, error))
        return TRUE;
    g_prefix_error(error, "--min: ");
    return FALSE;
}

/* ---- Waits ---- */

static gboolean add_class(struct ct_scope *scope, const char *name, GError **error)
{
    const char *names[CT_CLASS_COUNT + 1] = {0};
    enum ct_class class;

    if (ct_class_from_name(name, &class)) {
        scope->selection.classes |= 1U << class;
        return TRUE;
    }
    for (int i = 0; i < CT_CLASS_COUNT; i++)
        names[i] = ct_class_name((enum ct_class)i);
    g_autofree char *list = g_strjoinv(", ", (char **)names);
    const char *meant = ct_nearest(name, names, CT_CLASS_COUNT);

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                meant ? "--class: '%s' is no class: did you mean %s?"
                      : "--class: '%s' is no class; there are %s",
                name, meant ? meant : list);
    return FALSE;
}

static gboolean check_classes(struct ct_scope *scope, GError **error)
{
    for (char **list = scope->classes; list && *list; list++) {
        g_auto(GStrv) names = g_strsplit(*list, ",", -1);

        for (char **name = names; *name; name++) {
            if (!add_class(scope, *name, error))
                return FALSE;
        }
    }
    return TRUE;
}

/* Names of operations hold no comma. */
static void split_operations(struct ct_scope *scope)
{
    g_autofree char *all = scope->operations ? g_strjoinv(",", scope->operations) : NULL;

    scope->operation_list = all ? g_strsplit(all, ",", -1) : NULL;
}

static gboolean check_place(struct ct_scope *scope, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (!scope->place)
        return TRUE;
    scope->regex = g_regex_new(scope->place, G_REGEX_OPTIMIZE, 0, &failure);
    if (scope->regex)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--place: %s", failure->message);
    return FALSE;
}

gboolean ct_scope_check(struct ct_scope *scope, GError **error)
{
    if (scope->misnamed) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--threads=%s is an option of ctrace timeline: here it is --thread=NAME or "
                    "--thread=TID, once for each",
                    scope->misnamed);
        return FALSE;
    }
    if (!check_times(scope, error) || !check_min(scope, error) || !check_classes(scope, error) ||
        !check_place(scope, error))
        return FALSE;
    split_operations(scope);
    scope->selection.processes = (const char *const *)scope->processes;
    scope->selection.threads = (const char *const *)scope->threads;
    scope->selection.operations = (const char *const *)scope->operation_list;
    scope->selection.objects = (const char *const *)scope->objects;
    scope->selection.place = scope->regex;
    scope->selection.is_without_idle = scope->is_without_idle;
    return TRUE;
}

gboolean ct_scope_check_all_waits(const struct ct_scope *scope, const char *what, GError **error)
{
    if (ct_selection_is_all_waits(&scope->selection))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s follows from all waits: leave out --class, --op, --object, --place, --min and "
                "--no-idle",
                what);
    return FALSE;
}

gboolean ct_scope_is_whole_time(const struct ct_scope *scope)
{
    return !scope->from && !scope->to;
}

static void append_option(GString *options, const char *name, const char *value)
{
    g_autofree char *word = value ? ct_shell_word(value) : NULL;

    if (word)
        g_string_append_printf(options, "%s--%s=%s", options->len > 0 ? " " : "", name, word);
}

static void append_list(GString *options, const char *name, char **values)
{
    for (char **value = values; value && *value; value++)
        append_option(options, name, *value);
}

static void append_waits(GString *options, const struct ct_scope *scope)
{
    append_list(options, "class", scope->classes);
    append_list(options, "op", scope->operations);
    append_list(options, "object", scope->objects);
    append_option(options, "place", scope->place);
    append_option(options, "min", scope->min);
    if (scope->is_without_idle)
        g_string_append_printf(options, "%s--no-idle", options->len > 0 ? " " : "");
}

char *ct_scope_words(const struct ct_scope *scope, enum ct_scope_part part)
{
    GString *options = g_string_new(NULL);

    switch (part) {
    case CT_SCOPE_PROCESSES:
        append_list(options, "process", scope->processes);
        break;
    case CT_SCOPE_THREADS:
        append_list(options, "thread", scope->threads);
        break;
    case CT_SCOPE_WAITS:
        append_waits(options, scope);
        break;
    case CT_SCOPE_TIMES:
        append_option(options, "from", scope->from);
        append_option(options, "to", scope->to);
        break;
    }
    return g_string_free(options, FALSE);
}
