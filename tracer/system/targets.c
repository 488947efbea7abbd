#include "system/targets.h"

#include <string.h>

#define DIGITS "0123456789"

/* Between processes: pidof(1) prints spaces, pgrep(1) lines. */
#define SEPARATORS ", \t\n"

static gboolean is_number(const char *word)
{
    return *word != '\0' && strspn(word, DIGITS) == strlen(word);
}

pid_t ct_target_pid(const char *word)
{
    guint64 number = 0;

    if (is_number(word))
        g_ascii_string_to_unsigned(word, 10, 1, G_MAXINT32, &number, NULL);
    return (pid_t)number;
}

/* What begins as an option does was meant to be one: "-p --duration=1s". */
static gboolean is_target(const char *word)
{
    return is_number(word) ? ct_target_pid(word) > 0 : *word != '-';
}

gboolean ct_targets_are_ids(const char *text)
{
    return *text != '\0' && strspn(text, DIGITS SEPARATORS) == strlen(text) &&
           strcspn(text, SEPARATORS) > 0;
}

gboolean ct_targets_add(GPtrArray *words, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit_set(text, SEPARATORS, -1);
    gboolean are_targets = TRUE;
    guint count = 0;

    for (char **part = parts; *part != NULL && are_targets; part++) {
        if (**part == '\0')
            continue; /* between two separators */
        count++;
        are_targets = is_target(*part);
        if (!g_ptr_array_find_with_equal_func(words, *part, g_str_equal, NULL))
            g_ptr_array_add(words, g_strdup(*part));
    }
    if (!are_targets || count == 0)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--pid=%s: give the id of a process, a number such as pgrep(1) prints, or the "
                    "name of a program, or several with commas or spaces between them",
                    text);
    return are_targets && count > 0;
}
