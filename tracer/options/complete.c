#include "options/complete.h"

#include "options/described.h"
#include "schema/operations.h"

#include <string.h>

/* An answer to begin with. */
#define NO_WORDS "words\n"

struct question {
    struct ct_described *described; /* owned */
    const GOptionEntry *entries;    /* borrowed, as are the next */
    const struct ct_option_values *values;
    const char *word;     /* that is being typed */
    GString *answer;      /* owned */
    gboolean is_operands; /* after "--" */
    gboolean is_strict;   /* what follows the first argument is another program's */
};

gboolean ct_complete_is_asked(char *const *arguments)
{
    return arguments[0] && arguments[1] && g_str_equal(arguments[1], CT_COMPLETE_OPTION);
}

/* ---- Words ---- */

/* What a shell would have to show, or split, wrongly is left out. */
static gboolean is_plain(const char *word)
{
    if (!g_utf8_validate(word, -1, NULL))
        return FALSE;
    for (; *word && !g_ascii_iscntrl(*word); word++)
        ;
    return *word == '\0';
}

/* `begin` and `row`, which may say after a tab what it means, if that is how the word goes on. */
static void offer(struct question *question, const char *begin, const char *row)
{
    g_auto(GStrv) cells = g_strsplit(row, "\t", 2);
    g_autofree char *word = g_strconcat(begin, cells[0], NULL);

    if (!cells[0] || !is_plain(word) || !g_str_has_prefix(word, question->word))
        return;
    g_string_append(question->answer, word);
    if (cells[1] && is_plain(cells[1]))
        g_string_append_printf(question->answer, "\t%s", cells[1]);
    g_string_append_c(question->answer, '\n');
}

static char **list_classes(void)
{
    static const char *const names[] = {
#define CLASS_NAME(symbol, name) name,
        CT_CLASSES(CLASS_NAME)
#undef CLASS_NAME
            NULL};

    return g_strdupv((char **)names);
}

static char **list_operations(void)
{
    static const char *const names[] = {
#define OPERATION_NAME(symbol, name, ...) name,
        CT_OPS(OPERATION_NAME)
#undef OPERATION_NAME
            NULL};

    return g_strdupv((char **)names + 1); /* the first is none */
}

/* By these names help calls the same in every program. */
static const struct ct_option_values common[] = {
    {"CLASS", list_classes}, {"OPERATION", list_operations}, {0}};

static const struct ct_option_values *find_values(const struct ct_option_values *values,
                                                  const char *name)
{
    for (; values && values->name; values++) {
        if (g_str_equal(values->name, name))
            return values;
    }
    return NULL;
}

/* ---- Recordings ---- */

static gboolean has_folder(const char *place, const char *name)
{
    g_autofree char *path = g_build_filename(place, name, NULL);

    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those whose path begins as it was typed after `begin`. Caller unrefs. */
static GPtrArray *find_recordings(const char *typed)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    const char *slash = strrchr(typed, '/');
    g_autofree char *parent = slash ? g_strndup(typed, (gsize)(slash - typed) + 1) : g_strdup("");
    g_autoptr(GDir) folder = g_dir_open(*parent ? parent : ".", 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *path = g_strconcat(parent, name, NULL);

        if (g_str_has_prefix(path, typed) &&
            (has_folder(path, "ust") || has_folder(path, "kernel")))
            g_ptr_array_add(found, g_steal_pointer(&path));
    }
    g_ptr_array_sort(found, compare_names);
    return found;
}

/* Where there is none, there are folders that lead to some. */
static void offer_recordings(struct question *question, const char *begin)
{
    g_autoptr(GPtrArray) found = find_recordings(question->word + strlen(begin));

    if (found->len == 0 && g_str_equal(question->answer->str, NO_WORDS))
        g_string_printf(question->answer, "folders %s\n", begin);
    for (guint i = 0; i < found->len; i++) {
        g_autofree char *row = g_strconcat(found->pdata[i], "\trecording", NULL);

        offer(question, begin, row);
    }
}

/* ---- Values ---- */

/* One of the names that help has for a value, "FILE" or "CLASS,...", or a word as it is: "all". */
static void offer_named(struct question *question, const char *begin, const char *name)
{
    static const char *const recordings[] = {"DIR", "OLD", "NEW", NULL};
    static const char *const files[] = {"FILE", "PATH", NULL};
    g_autofree char *bare = g_strndup(name, strspn(name, G_CSET_A_2_Z));
    const struct ct_option_values *values = find_values(question->values, bare);
    gboolean is_list = strchr(name, ',') != NULL;
    const char *comma = strrchr(question->word + strlen(begin), ',');
    g_autofree char *before = is_list && comma
                                  ? g_strndup(question->word, (gsize)(comma + 1 - question->word))
                                  : g_strdup(begin);

    if (!values)
        values = find_values(common, bare);
    if (values) {
        g_auto(GStrv) rows = values->list();

        for (char **row = rows; *row; row++)
            offer(question, before, *row);
    } else if (g_strv_contains(recordings, bare)) {
        offer_recordings(question, before);
    } else if (g_strv_contains(files, bare)) {
        g_string_printf(question->answer, "files %s\n", before);
    } else if (g_ascii_islower(name[0])) {
        offer(question, begin, name);
    }
}

/* "[SECTION]", "N|all": any of them. */
static void offer_values(struct question *question, const char *begin, const char *names)
{
    g_autofree char *bare = g_strdelimit(g_strdup(names), "[]'\"", ' ');
    g_auto(GStrv) each = g_strsplit(g_strstrip(bare), "|", -1);

    for (char **name = each; *name; name++)
        offer_named(question, begin, *name);
}

/* ---- Options ---- */

static void offer_options(struct question *question)
{
    for (guint i = 0; i < question->described->options->len; i++) {
        const struct ct_described_option *option = question->described->options->pdata[i];
        g_autofree char *row =
            g_strconcat(option->name, option->value ? "=" : "", "\t", option->purpose, NULL);
        g_autofree char *short_row = g_strconcat(option->letter, "\t", option->purpose, NULL);

        offer(question, "", row);
        if (option->letter[0])
            offer(question, "", short_row);
    }
}

/* Not so where the next word is one of its own, as it is of "--cpu", beside "--cpu=HZ". */
static gboolean takes_next_word(const struct question *question,
                                const struct ct_described_option *option)
{
    for (const GOptionEntry *entry = question->entries; entry && entry->long_name; entry++) {
        if (*entry->long_name && g_str_equal(entry->long_name, option->name + 2))
            return entry->arg != G_OPTION_ARG_NONE;
    }
    return option->value != NULL;
}

/* The option whose value is the word after `word`. NULL: it has none, or it has it. */
static const struct ct_described_option *find_opened(const struct question *question,
                                                     const char *word)
{
    const struct ct_described_option *option = ct_described_find(question->described, word);

    return option && takes_next_word(question, option) ? option : NULL;
}

/* "--format=js" */
static void offer_joined(struct question *question, const char *equals)
{
    g_autofree char *name = g_strndup(question->word, (gsize)(equals - question->word));
    g_autofree char *begin = g_strconcat(name, "=", NULL);
    const struct ct_described_option *option = ct_described_find(question->described, name);

    if (option && option->value)
        offer_values(question, begin, option->value);
}

/* Of those that may be left out, the word may be the next one as well. */
static void offer_arguments(struct question *question, guint before)
{
    char **arguments = question->described->arguments;
    guint count = g_strv_length(arguments);

    for (guint i = before; i < count; i++) {
        offer_values(question, "", arguments[i]);
        if (arguments[i][0] != '[')
            return;
    }
}

/* TRUE: what comes next is no option, whatever it begins with. */
static gboolean is_operand(const struct question *question, const char *word)
{
    return question->is_operands || word[0] != '-';
}

static void answer_word(struct question *question, const struct ct_described_option *opened,
                        guint before)
{
    const char *equals = strchr(question->word, '=');

    if (opened)
        offer_values(question, "", opened->value);
    else if (is_operand(question, question->word))
        offer_arguments(question, before);
    else if (equals)
        offer_joined(question, equals);
    else
        offer_options(question);
}

/* What the words before the last one say of it. */
static void answer(struct question *question, char *const *words)
{
    const struct ct_described_option *opened = NULL;
    guint before = 0;
    guint i;

    for (i = 0; words[i + 1]; i++) {
        if (opened)
            opened = NULL;
        else if (!question->is_operands && g_str_equal(words[i], "--"))
            question->is_operands = TRUE;
        else if (!is_operand(question, words[i]))
            opened = find_opened(question, words[i]);
        else if (question->is_strict)
            break;
        else
            before++;
    }
    question->word = words[g_strv_length((char **)words) - 1];
    if (question->is_strict && !opened && is_operand(question, words[i]))
        g_string_printf(question->answer, "command %u\n", i);
    else
        answer_word(question, opened, before);
}

char *ct_complete(GOptionContext *context, const GOptionEntry *entries,
                  const struct ct_option_values *values, char *const *words)
{
    static char *const nothing[] = {(char *)"", NULL};
    struct question question = {
        .described = ct_described_new(context),
        .entries = entries,
        .values = values,
        .answer = g_string_new(NO_WORDS),
        .is_strict = g_option_context_get_strict_posix(context),
    };

    answer(&question, words[0] ? words : nothing);
    ct_described_free(question.described);
    return g_string_free(question.answer, FALSE);
}
