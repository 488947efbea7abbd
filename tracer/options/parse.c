#include "options/parse.h"

#include "options/described.h"
#include "options/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gboolean takes_value(const GOptionEntry *entry)
{
    return entry->arg != G_OPTION_ARG_NONE && entry->arg != G_OPTION_ARG_CALLBACK;
}

/* The option whose value is another argument than this one, or joined to its letter. */
static const GOptionEntry *find_entry(const GOptionEntry *entries, const char *argument)
{
    gboolean is_long = g_str_has_prefix(argument, "--");

    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        gboolean is_it = is_long ? strcmp(argument + 2, entry->long_name) == 0
                                 : entry->short_name && entry->short_name == argument[1];

        if (is_it) /* of two with the same name, GLib takes the first for one without a value */
            return takes_value(entry) ? entry : NULL;
    }
    return NULL;
}

/* Appends the letter and the value that is joined to it as two arguments. */
static void add_apart(GPtrArray *apart, const char *argument)
{
    const char *value = argument + 2;

    g_ptr_array_add(apart, g_strndup(argument, 2));
    g_ptr_array_add(apart, g_strdup(*value == '=' ? value + 1 : value));
}

static char **take_apart(const GOptionEntry *entries, gboolean is_strict, char **arguments)
{
    GPtrArray *apart = g_ptr_array_new();
    char **next = arguments;

    if (*next)
        g_ptr_array_add(apart, g_strdup(*next++)); /* the program */
    while (*next) {
        const char *argument = *next;
        gboolean is_option = argument[0] == '-' && argument[1];

        if (strcmp(argument, "--") == 0 || (is_strict && !is_option))
            break;
        next++;
        const GOptionEntry *entry = is_option ? find_entry(entries, argument) : NULL;
        gboolean is_joined = entry && argument[1] != '-' && argument[2];

        if (is_joined)
            add_apart(apart, argument);
        else
            g_ptr_array_add(apart, g_strdup(argument));
        if (entry && !is_joined && *next)
            g_ptr_array_add(apart, g_strdup(*next++));
    }
    for (; *next; next++)
        g_ptr_array_add(apart, g_strdup(*next));
    g_ptr_array_add(apart, NULL);
    return (char **)g_ptr_array_free(apart, FALSE);
}

/* "--pid=12": the value is in the argument. */
static gboolean has_value_inside(const GOptionEntry *option, const char *argument)
{
    g_autofree char *begin = g_strdup_printf("--%s=", option->long_name);

    return g_str_has_prefix(argument, begin);
}

/* Moves the words that belong to the last one of `joined` there, and returns what comes next. */
static char **take_more(GPtrArray *joined, char **next, gboolean (*is_value)(const char *word))
{
    for (; *next && is_value(*next); next++) {
        char **last = (char **)&g_ptr_array_index(joined, joined->len - 1);
        char *longer = g_strconcat(*last, ",", *next, NULL);

        g_free(*last);
        *last = longer;
    }
    return next;
}

char **ct_options_join(const GOptionEntry *entries, const GOptionEntry *option, char **arguments,
                       gboolean (*is_value)(const char *word))
{
    if (ct_complete_is_asked(arguments)) /* about words as they were typed */
        return arguments;
    g_auto(GStrv) apart = take_apart(entries, TRUE, arguments);
    GPtrArray *joined = g_ptr_array_new();
    char **next = apart;

    if (*next)
        g_ptr_array_add(joined, g_strdup(*next++)); /* the program */
    while (*next && (*next)[0] == '-' && (*next)[1] && strcmp(*next, "--") != 0) {
        const GOptionEntry *entry = find_entry(entries, *next);
        gboolean is_inside = has_value_inside(option, *next);

        g_ptr_array_add(joined, g_strdup(*next++));
        if (entry && *next)
            g_ptr_array_add(joined, g_strdup(*next++));
        if (is_inside || entry == option)
            next = take_more(joined, next, is_value);
    }
    for (; *next; next++)
        g_ptr_array_add(joined, g_strdup(*next));
    g_ptr_array_add(joined, NULL);
    g_strfreev(arguments);
    return (char **)g_ptr_array_free(joined, FALSE);
}

/* GLib says which option it does not know; which one may be meant, we say. */
static void add_hint(GOptionContext *context, GError **error)
{
    const char *begin = error && *error ? strstr((*error)->message, "--") : NULL;

    if (!begin || !g_error_matches(*error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
        return;
    g_autofree char *typed = g_strndup(begin, strcspn(begin, "= "));
    struct ct_described *described = ct_described_new(context);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < described->options->len; i++)
        g_ptr_array_add(names, ((struct ct_described_option *)described->options->pdata[i])->name);
    const char *meant = ct_nearest(typed, (const char *const *)names->pdata, names->len);

    if (meant) {
        char *message = g_strdup_printf("%s: did you mean %s?", (*error)->message, meant);

        g_free((*error)->message);
        (*error)->message = message;
    }
    ct_described_free(described);
}

/* As GLib does with --help. */
static void tell_shell(const char *answer)
{
    fputs(answer, stdout);
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

gboolean ct_options_parse(GOptionContext *context, const GOptionEntry *entries, char ***arguments,
                          GError **error)
{
    return ct_options_parse_values(context, entries, NULL, arguments, error);
}

gboolean ct_options_parse_values(GOptionContext *context, const GOptionEntry *entries,
                                 const struct ct_option_values *values, char ***arguments,
                                 GError **error)
{
    if (ct_complete_is_asked(*arguments)) {
        g_autofree char *answer = ct_complete(context, entries, values, *arguments + 2);

        tell_shell(answer);
    }
    char **apart = take_apart(entries, g_option_context_get_strict_posix(context), *arguments);

    g_strfreev(*arguments);
    *arguments = apart;
    if (g_option_context_parse_strv(context, arguments, error))
        return TRUE;
    add_hint(context, error);
    return FALSE;
}
