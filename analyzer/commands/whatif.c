/* ctrace-whatif: how long a run would have taken, had something in it been faster. */
#include "passes/whatif.h"
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "export/json_whatif.h"
#include "model/capture_notes.h"
#include "model/format.h"
#include "options/parse.h"
#include "passes/path.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERCENT_MAX 1000

struct options {
    char **words; /* owned; what, and the recording */
    struct ct_scope scope;
    char *format;
    char *change;  /* owned; "-50%"; NULL: there is none */
    double factor; /* that it means */
    gboolean is_gone;
    gboolean is_version;
};

static const char description[] =
    "WHAT is a function, a lock (its variable's name, or its address), or a thread; where several\n"
    "are called so, function:NAME, lock:NAME or thread:NAME. DIR is ctrace.data unless named.\n"
    "\n"
    "Examples:\n"
    "  ctrace whatif compress -50%\n"
    "  ctrace whatif thread:worker-3 -75%\n"
    "  ctrace whatif queue_lock --remove";

static const char *const formats[] = {"text", "json", NULL};

/* For a shell. */
static char **list_formats(void)
{
    return g_strdupv((char **)formats);
}

/* "-50%" is no option's name: taken out before options are looked for. */
static char *take_change(char **arguments)
{
    for (char **at = arguments + 1; *at && !g_str_equal(*at, "--"); at++) {
        size_t length = strlen(*at);

        if (((*at)[0] != '-' && (*at)[0] != '+') || length < 3 || (*at)[length - 1] != '%' ||
            !g_ascii_isdigit((*at)[1]))
            continue;
        char *change = *at;

        do
            at[0] = at[1];
        while (*at++);
        return change;
    }
    return NULL;
}

static gboolean parse_change(struct options *options, GError **error)
{
    char *end;
    double percent = g_ascii_strtod(options->change, &end);

    if (!g_str_equal(end, "%") || percent < -100 || percent > PERCENT_MAX) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s is no change between -100%% and +%d%%", options->change, PERCENT_MAX);
        return FALSE;
    }
    options->factor = 1 + percent / 100;
    return TRUE;
}

static gboolean check(struct options *options, GError **error)
{
    if (options->is_version)
        return TRUE;
    if (!options->words || !options->words[0]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "what is to be faster? A function, a lock or a thread, as in: ctrace whatif "
                    "compress -50%%");
        return FALSE;
    }
    if (!options->change == !options->is_gone) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "say one change: by how much, as in -50%%, or --remove for a lock");
        return FALSE;
    }
    if (options->format && !g_strv_contains(formats, options->format)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--format=%s is none of text and json", options->format);
        return FALSE;
    }
    return ct_command_directory(options->words + 1, error) &&
           (!options->change || parse_change(options, error)) &&
           ct_scope_check(&options->scope, error);
}

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"remove", 0, 0, G_OPTION_ARG_NONE, &options->is_gone, "Nobody waits for the lock any more",
         NULL},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format, "text (the default) or json",
         "FORMAT"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL,
         "WHAT [-N%|--remove] [DIR]"},
        {0},
    };
    static const struct ct_option_values values[] = {{"FORMAT", list_formats}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    options->change = take_change(arguments);
    g_option_context_set_summary(
        context, "Tells how long a recorded run would have taken, had a function, a lock or a\n"
                 "thread taken so much less (or more) time: a range.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    ct_scope_add_part_options(&options->scope, context);
    ct_scope_refuse_threads(&options->scope, context);
    return ct_options_parse_values(context, entries, values, &arguments, error) &&
           check(options, error);
}

/* ---- Asking ---- */

struct job {
    const struct options *options;
    const char *directory;
    struct ct_model *model; /* owned by who asks */
    struct ct_activity *activity;
    struct ct_window window;
    struct ct_path_question question;
    struct ct_whatif what;
    struct ct_whatif_result result;
};

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    struct job *job = user;
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(job->model);
    const struct ct_window *window =
        ct_scope_is_whole_time(&job->options->scope) ? NULL : &job->window;

    job->question.store = store;
    job->question.model = job->model;
    job->what.factor = job->options->factor;
    job->what.is_gone = job->options->is_gone;
    if (!ct_path_choose(&job->question, &job->options->scope.selection, window, error) ||
        !ct_whatif_find(store, job->model, symbolizer, job->options->words[0], &job->what, error))
        return FALSE;
    if (job->what.is_gone && job->what.kind != CT_WHATIF_LOCK) {
        g_set_error(error, CT_WHATIF_ERROR, CT_WHATIF_ERROR_UNKNOWN,
                    "--remove is for locks, and \"%s\" is a %s", job->what.name,
                    ct_whatif_kind_name(job->what.kind));
        return FALSE;
    }
    gboolean is_run = ct_whatif_run(&job->question, symbolizer, &job->what, &job->result, error);

    ct_symbolizer_keep(symbolizer);
    return is_run;
}

/* ---- Telling ---- */

static void print_change(const struct job *job)
{
    const struct ct_whatif *what = &job->what;

    printf("If %s %s", ct_whatif_kind_name(what->kind), what->name);
    if (what->is_gone)
        printf(" was not there to be waited for:\n");
    else
        printf(" took %.4g %% %s time:\n",
               100 * (what->factor <= 1 ? 1 - what->factor : what->factor - 1),
               what->factor <= 1 ? "less" : "more");
}

static void print_share(uint64_t before_ns, uint64_t then_ns)
{
    double percent = before_ns > 0 ? 100.0 * ((double)then_ns / (double)before_ns - 1) : 0;

    printf("  %+.1f %%", percent);
}

static void print_times(const struct job *job)
{
    const struct ct_whatif_result *result = &job->result;
    uint64_t least_ns = MIN(result->kept_ns, result->free_ns);
    uint64_t most_ns = MAX(result->kept_ns, result->free_ns);
    g_autofree char *before = ct_format_duration(result->before_ns);
    g_autofree char *least = ct_format_duration(least_ns);
    g_autofree char *most = ct_format_duration(most_ns);

    printf("  now     %s (%" G_GUINT64_FORMAT " ns), to the %s of %s (%d)\n", before,
           result->before_ns,
           job->question.window.end_ns == job->question.thread->end_ns ? "end" : "last moment",
           job->question.thread->name, job->question.thread->tid);
    printf("  then    %s (%" G_GUINT64_FORMAT " ns)", least, least_ns);
    print_share(result->before_ns, least_ns);
    if (least_ns != most_ns) {
        printf("\n  up to   %s (%" G_GUINT64_FORMAT " ns)", most, most_ns);
        print_share(result->before_ns, most_ns);
    }
    printf("\n");
}

static void print_known(const struct job *job)
{
    const struct ct_whatif_result *result = &job->result;
    g_autofree char *changed = ct_format_duration(result->changed_ns);
    g_autofree char *samples = ct_format_count(result->samples);

    if (job->what.is_gone)
        return;
    if (job->what.kind == CT_WHATIF_FUNCTION && job->model->capture.samples > 0)
        printf("  That is about %s of what threads did, by %s samples in it.\n", changed, samples);
    else
        printf("  That is %s of what threads did.\n", changed);
    if (job->what.kind == CT_WHATIF_FUNCTION && job->model->capture.samples == 0)
        printf("  There are no CPU samples (ctrace record --cpu): what it ran is not known, and "
               "only what\n  it waited is changed.\n");
    if (result->changed_ns == 0)
        printf("  Nothing of it is recorded in that time.\n");
}

static void print(const struct job *job)
{
    if (g_strcmp0(job->options->format, "json") == 0) {
        ct_json_write_whatif(&job->question, &job->what, &job->result, stdout);
        return;
    }
    print_change(job);
    print_times(job);
    print_known(job);
}

static int answer(void *user, struct ct_activity *activity)
{
    struct job *job = user;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(GError) error = NULL;

    job->model = model;
    if ((ct_scope_is_whole_time(&job->options->scope) ||
         ct_recording_find_window(job->directory, activity, &job->options->scope, &job->window,
                                  &error)) &&
        ct_recording_ask(job->directory, activity, model, ask, job, &error)) {
        g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);

        ct_say_all(complaints);
        print(job);
        return EXIT_SUCCESS;
    }
    ct_say("%s", error->message);
    return EXIT_FAILURE;
}

static int run(const struct options *options)
{
    struct job job = {.options = options,
                      .directory = ct_command_directory(options->words + 1, NULL)};

    return ct_worker_print(job.directory, "answer", answer, &job);
}

int main(int argc, char **argv)
{
    struct options options = {.factor = 1};
    g_autoptr(GError) error = NULL;
    int status;

    (void)argc;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace whatif");
    if (!parse_options(&options, argv, &error)) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    g_free(options.format);
    g_free(options.change);
    g_strfreev(options.words);
    ct_scope_clear(&options.scope);
    return status;
}
