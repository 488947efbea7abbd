/* ctrace-query: a recording asked in SQL. */
#include "query/query.h"
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "model/capture_notes.h"
#include "options/parse.h"
#include "query/tables.h"
#include "text/names.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of an answer: it is whole, or not there at all, so it is in memory before it is written. */
#define ANSWER_MAX (UINT64_C(1) << 30)

struct options {
    char *format_name; /* owned; NULL: not given */
    char **words;      /* owned; the query, and the recording */
    gboolean is_version;
    const struct ct_result_format *format;
};

static const char description[] =
    "SQL is what SQLite understands. DIR is ctrace.data unless named. Tables:\n"
    "\n"
    "  ctrace query .tables     their names, and what is in them\n"
    "  ctrace query .schema     their columns, too\n"
    "\n"
    "Times are nanoseconds since the recording's begin. at('1.5s'), at('25%') and\n"
    "at('14:03:22') are such times, duration(ns) and clock(ns) write them for people.\n"
    "\n"
    "Examples:\n"
    "  ctrace query \"SELECT thread, sync_ns FROM threads ORDER BY 2 DESC\"\n"
    "  ctrace query \"SELECT place, count(*), duration(sum(duration_ns)) FROM intervals\n"
    "                WHERE class = 'net' AND begin_ns > at('1s') GROUP BY 1 ORDER BY 2 DESC\"\n"
    "  ctrace query -f csv - server.data < query.sql\n"
    "\n"
    "man ctrace-query answers twelve questions.";

/* ---- Without a recording ---- */

static void print_tables(void)
{
    const struct ct_query_table *table;

    for (guint i = 0; (table = ct_query_table_at(i)) != NULL; i++)
        printf("%-10s  %s\n", table->name, table->meaning);
}

static void print_schema(void)
{
    g_autofree char *schema = ct_query_schema();

    fputs(schema, stdout);
}

static const struct {
    const char *word;
    void (*print)(void);
} words[] = {{".schema", print_schema}, {".tables", print_tables}};

typedef void print_function(void);

/* NULL: there is no such word. */
static print_function *find_word(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(words[i].word, word))
            return words[i].print;
    return NULL;
}

static gboolean print_word(const char *word, int *status)
{
    print_function *print = find_word(word);

    if (!print)
        return FALSE;
    print();
    *status = fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (*status != EXIT_SUCCESS)
        ct_say("cannot write the schema");
    return TRUE;
}

/* ---- Options ---- */

static gboolean find_format(struct options *options, GError **error)
{
    options->format = ct_result_format_find(options->format_name ? options->format_name : "table");
    if (options->format)
        return TRUE;
    g_auto(GStrv) rows = ct_result_format_rows();
    g_autofree char *list = ct_names_list(rows, " and ");

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--format=%s is none of %s",
                options->format_name, list);
    return FALSE;
}

/* What SQLite would call a syntax error, though no SQL was meant. */
static gboolean check_query(const char *query, GError **error)
{
    if (g_file_test(query, G_FILE_TEST_IS_DIR))
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "'%s' is a directory, and the query comes first: ctrace query SQL %s", query,
                    query);
    else if (query[0] == '.' && !find_word(query))
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "'%s' is no query: beside SQL there are .schema and .tables, of all tables",
                    query);
    else
        return TRUE;
    return FALSE;
}

static gboolean check(struct options *options, GError **error)
{
    if (options->is_version)
        return TRUE;
    if (options->words && options->words[0])
        return check_query(options->words[0], error) && find_format(options, error) &&
               ct_command_directory(options->words + 1, error);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "which query? As in: ctrace query 'SELECT * FROM threads'");
    return FALSE;
}

/* What there is beside SQL. */
static char **list_words(void)
{
    static const char *const rows[] = {"-\tthe query is on standard input",
                                       ".schema\twhat tables and columns there are",
                                       ".tables\twhat tables there are", NULL};

    return g_strdupv((char **)rows);
}

static gboolean parse_options(struct options *options, char **typed, GError **error)
{
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format_name, "csv, json or table [table]",
         "FORMAT"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL, "SQL [DIR]"},
        {0},
    };
    static const struct ct_option_values values[] = {
        {"FORMAT", ct_result_format_rows}, {"SQL", list_words}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(typed);

    g_option_context_set_summary(
        context,
        "Asks a recording in SQL: its threads, waits, wakes, stacks, objects. A query that "
        "is -\nis read from standard input.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse_values(context, entries, values, &arguments, error) &&
           check(options, error);
}

/* ---- Asking ---- */

struct job {
    const struct options *options;
    const char *directory;
    const char *sql;
    struct ct_query *query; /* owned by who works, as is the next */
    struct ct_model *model;
    GError *error; /* owned; what is wrong with the query; NULL: nothing */
};

/* A query that is wrong is no fault of the store's. */
static gboolean answer(void *user, struct ct_store *store, GError **error)
{
    struct job *job = user;
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(job->model);
    const struct ct_query_run run = {
        .store = store,
        .model = job->model,
        .symbolizer = symbolizer,
        .format = job->options->format,
        .out = stdout,
        .bytes_max = ANSWER_MAX,
    };
    GError *failure = NULL;

    if (ct_query_answer(job->query, &run, &failure)) {
        ct_symbolizer_keep(symbolizer);
        return TRUE;
    }
    if (failure->domain != CT_QUERY_ERROR) {
        g_propagate_error(error, failure);
        return FALSE;
    }
    job->error = failure;
    return TRUE;
}

/* Of a document there is one: two are none that a reader takes. */
static gboolean ask(struct job *job, struct ct_activity *activity, GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_query) query = ct_query_new(job->sql, error);

    if (!query)
        return FALSE;
    if (job->options->format->is_document && ct_query_statement_count(query) > 1) {
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL,
                    "there are %u queries, and --format=%s is of one",
                    ct_query_statement_count(query), job->options->format->name);
        return FALSE;
    }
    job->query = query;
    job->model = model;
    if (!ct_recording_ask(job->directory, activity, model, answer, job, error))
        return FALSE;
    if (job->error) {
        g_propagate_error(error, g_steal_pointer(&job->error));
        return FALSE;
    }
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);

    ct_say_all(complaints);
    return TRUE;
}

/* Each line by itself: the mark is to stand below what it marks. */
static void say_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++)
        ct_say("%s", *line);
}

/* Nothing of an answer that is not whole. */
static int work(void *user, struct ct_activity *activity)
{
    GError *error = NULL;

    if (ask(user, activity, &error))
        return EXIT_SUCCESS;
    say_lines(error->message);
    g_error_free(error);
    fflush(stdout);
    (void)!ftruncate(STDOUT_FILENO, 0);
    return EXIT_FAILURE;
}

/* NULL: an error. Free it with g_free(). */
static char *read_input(void)
{
    GString *text = g_string_new("");
    char piece[4096];
    size_t size;

    while ((size = fread(piece, 1, sizeof(piece), stdin)) > 0)
        g_string_append_len(text, piece, (gssize)size);
    if (ferror(stdin))
        ct_say("cannot read the query: %s", g_strerror(errno));
    else if (strlen(text->str) != text->len)
        ct_say("cannot read the query: what is on standard input is no text");
    else
        return g_string_free(text, FALSE);
    g_string_free(text, TRUE);
    return NULL;
}

static int run(const struct options *options)
{
    const char *word = options->words[0];
    g_autofree char *sql = g_str_equal(word, "-") ? read_input() : g_strdup(word);
    struct job job = {.options = options,
                      .directory = ct_command_directory(options->words + 1, NULL),
                      .sql = sql};

    return sql ? ct_worker_print(job.directory, "answer", work, &job) : EXIT_FAILURE;
}

int main(int argument_count, char **arguments)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;

    (void)argument_count;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace query");
    if (!parse_options(&options, arguments, &error))
        status = ct_say_usage(error);
    else if (options.is_version)
        status = ct_command_print_version();
    else if (!print_word(options.words[0], &status))
        status = run(&options);
    g_free(options.format_name);
    g_strfreev(options.words);
    return status;
}
