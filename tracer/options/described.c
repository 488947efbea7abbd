/*
 * GLib tells nobody which entries a context has, but it prints them: a line for each, in two
 * columns.
 */
#include "options/described.h"

#include <string.h>

static void option_free(void *data)
{
    struct ct_described_option *option = data;

    g_free(option->name);
    g_free(option->value);
    g_free(option->purpose);
    g_free(option);
}

/* "  -o, --output=FILE    Write to FILE". NULL: it is no option's line. */
static struct ct_described_option *parse_option(const char *line)
{
    const char *name = strstr(line, "--");
    gboolean has_letter = g_str_has_prefix(line, "  -") && name == line + 6;

    if (!name || !(has_letter || (name == line + 2 && line[0] == ' ')) || !g_ascii_isalpha(name[2]))
        return NULL;
    struct ct_described_option *option = g_new0(struct ct_described_option, 1);
    gsize length = strcspn(name, "= ");
    const char *rest = name + length;

    option->name = g_strndup(name, length);
    if (has_letter)
        memcpy(option->letter, line + 2, 2);
    if (*rest == '=') {
        const char *end = strstr(rest, "  ");

        option->value = end ? g_strndup(rest + 1, (gsize)(end - rest) - 1) : g_strdup(rest + 1);
        rest += 1 + strlen(option->value);
    }
    option->purpose = g_strstrip(g_strdup(rest));
    return option;
}

/* "  ctrace report [OPTION…] [SECTION] [DIR]": what comes after the options, up to another way. */
static char **parse_arguments(const char *usage)
{
    const char *begin = strchr(usage, ']');
    g_autofree char *words = begin ? g_strndup(begin + 1, strcspn(begin + 1, "\n")) : g_strdup("");
    g_auto(GStrv) all = g_strsplit(words, " ", -1);
    g_autoptr(GStrvBuilder) arguments = g_strv_builder_new();

    for (char **word = all; *word && !g_str_equal(*word, "|"); word++) {
        if (**word && **word != '-' && !g_str_has_prefix(*word, "[-"))
            g_strv_builder_add(arguments, *word);
    }
    return g_strv_builder_end(arguments);
}

struct ct_described *ct_described_new(GOptionContext *context)
{
    struct ct_described *described = g_new0(struct ct_described, 1);
    g_autofree char *help = g_option_context_get_help(context, FALSE, NULL);
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
    gboolean is_named = lines[0] && lines[1];

    described->options = g_ptr_array_new_with_free_func(option_free);
    described->arguments = parse_arguments(is_named ? lines[1] : "");
    for (char **line = lines; *line; line++) {
        struct ct_described_option *option = parse_option(*line);

        if (option)
            g_ptr_array_add(described->options, option);
    }
    return described;
}

void ct_described_free(struct ct_described *described)
{
    g_ptr_array_unref(described->options);
    g_strfreev(described->arguments);
    g_free(described);
}

const struct ct_described_option *ct_described_find(const struct ct_described *described,
                                                    const char *word)
{
    for (guint i = 0; i < described->options->len; i++) {
        const struct ct_described_option *option = described->options->pdata[i];

        if (g_str_equal(word, option->name) || (word[0] && g_str_equal(word, option->letter)))
            return option;
    }
    return NULL;
}
