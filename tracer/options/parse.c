#include "options/parse.h"

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

gboolean ct_options_parse(GOptionContext *context, const GOptionEntry *entries, char ***arguments,
                          GError **error)
{
    char **apart = take_apart(entries, g_option_context_get_strict_posix(context), *arguments);

    g_strfreev(*arguments);
    *arguments = apart;
    return g_option_context_parse_strv(context, arguments, error);
}
