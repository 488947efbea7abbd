/* ctrace-export: a recording in the formats of other programs. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/sibling.h"
#include "cli/window.h"
#include "cli/worker.h"
#include "commands/profile_source.h"
#include "export/trace_format.h"
#include "ingest/ingest.h"
#include "model/capture_notes.h"
#include "options/nearest.h"
#include "options/parse.h"
#include "text/figures.h"
#include "text/shell_word.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

struct options {
    char *format_name; /* owned, as are the next three; NULL: not given */
    char *profile;
    char *output;
    char **directories;
    struct ct_scope scope;
    gboolean is_version;
    const struct ct_export_format *format;
    enum ct_profile_kind kind;
};

/* What the worker is to do. */
struct job {
    const struct options *options;
    const char *directory; /* borrowed */
};

static char *describe_formats(void)
{
    GString *text = g_string_new("Formats:\n");
    g_autofree char *kinds = ct_profile_kind_list(" or ");
    const struct ct_export_format *format;

    for (guint i = 0; (format = ct_export_format_at(i)) != NULL; i++)
        g_string_append_printf(text, "  %-11s%s (%s)\n", format->name, format->description,
                               format->suffix);
    g_string_append_printf(text, "\nThe name of FILE tells the format, too. KIND is %s.\n\n%s",
                           kinds, CT_SCOPE_HELP);
    return g_string_free(text, FALSE);
}

/* ---- Options ---- */

static void set_unknown_format(const char *typed, GError **error)
{
    g_autofree char *list = ct_export_format_list();
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const struct ct_export_format *format;

    for (guint i = 0; (format = ct_export_format_at(i)) != NULL; i++)
        g_ptr_array_add(names, (void *)format->name);
    const char *meant = ct_nearest(typed, (const char *const *)names->pdata, names->len);

    if (meant)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--format=%s: did you mean %s?", typed, meant);
    else
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--format=%s is none of %s",
                    typed, list);
}

static gboolean find_format(struct options *options, GError **error)
{
    g_autofree char *list = ct_export_format_list();

    if (options->format_name) {
        options->format = ct_export_format_find(options->format_name);
        if (!options->format)
            set_unknown_format(options->format_name, error);
    } else if (options->output) {
        options->format = ct_export_format_of_file(options->output);
        if (!options->format)
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "the name %s tells no format: give one with --format, of %s",
                        options->output, list);
    } else {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "which format? --format=FORMAT, of %s", list);
    }
    return options->format != NULL;
}

static gboolean find_kind(struct options *options, GError **error)
{
    g_autofree char *kinds = ct_profile_kind_list(" and ");

    options->kind = CT_PROFILE_KIND_WALL;
    if (!options->profile)
        return TRUE;
    if (options->format->content != CT_EXPORT_PROFILE) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--profile is of formats that hold a profile, and %s does not",
                    options->format->name);
        return FALSE;
    }
    if (ct_profile_kind_from_name(options->profile, &options->kind)) {
        if (!ct_profile_kind_is_heap(options->kind))
            return TRUE;
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--profile=%s: profiles of the heap are written by ctrace pprof %s alone",
                    options->profile, options->profile);
        return FALSE;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--profile=%s is none of %s",
                options->profile, kinds);
    return FALSE;
}

/* Of what has all of its time, that alone is chosen. */
static gboolean check_page(const struct options *options, GError **error)
{
    const char *problem = NULL;

    if (!options->output || !g_str_has_suffix(options->output, ".html"))
        problem = "html is written to a file: -o FILE.html";
    else if (!ct_selection_is_all(&options->scope.selection))
        problem = "html has all threads and waits of its time: only --from and --to choose from it";
    if (problem)
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
    return !problem;
}

static gboolean check_filters(const struct options *options, GError **error)
{
    if (options->format->content == CT_EXPORT_PAGE)
        return check_page(options, error);
    if (options->format->content == CT_EXPORT_REQUESTS &&
        !ct_selection_is_all_waits(&options->scope.selection)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s holds requests, and those are chosen by --process, --thread, --from and "
                    "--to alone",
                    options->format->name);
        return FALSE;
    }
    return options->format->content != CT_EXPORT_PROFILE ||
           ct_profile_source_check_filters(options->kind, &options->scope, error);
}

static gboolean parse_options(struct options *options, char **typed, GError **error)
{
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format_name, "The format", "FORMAT"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
         "Write to FILE [standard output]", "FILE"},
        {"profile", 0, 0, G_OPTION_ARG_STRING, &options->profile,
         "Which profile, of formats that hold one [wall]", "KIND"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->directories, NULL,
         "[DIR]"},
        {0},
    };
    static const struct ct_option_values values[] = {
        {"FORMAT", ct_export_format_rows}, {"KIND", ct_profile_kind_rows}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(typed);
    g_autofree char *description = describe_formats();

    g_option_context_set_summary(context, "Writes a recording in the format of another program.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    ct_scope_add_options(&options->scope, context);
    ct_scope_refuse_threads(&options->scope, context);
    if (!ct_options_parse_values(context, entries, values, &arguments, error))
        return FALSE;
    return options->is_version ||
           (find_format(options, error) && find_kind(options, error) &&
            ct_command_directory(options->directories, error) &&
            ct_scope_check(&options->scope, error) && check_filters(options, error));
}

static void options_clear(struct options *options)
{
    g_free(options->format_name);
    g_free(options->profile);
    g_free(options->output);
    g_strfreev(options->directories);
    ct_scope_clear(&options->scope);
}

/* ---- Pages ---- */

static void add_option(GPtrArray *arguments, const char *name, const char *value)
{
    if (value)
        g_ptr_array_add(arguments, g_strconcat(name, value, NULL));
}

/* Returns the exit status if there is no such program; else it becomes that. */
static int become_timeline(const struct options *options)
{
    g_autofree char *program = ct_sibling_find("timeline");
    const char *directory = ct_command_directory(options->directories, NULL);

    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);

    add_option(arguments, "", program);
    add_option(arguments, "--output=", options->output);
    add_option(arguments, "--from=", options->scope.from);
    add_option(arguments, "--to=", options->scope.to);
    add_option(arguments, "--", "");
    add_option(arguments, "", directory);
    g_ptr_array_add(arguments, NULL);
    if (program)
        execv(program, (char **)arguments->pdata);
    ct_say("html is written by ctrace timeline, which is not installed beside this program "
           "(ctrace-viewer)");
    return EXIT_FAILURE;
}

/* ---- Writing ---- */

/* What is asked of the recording. */
struct question {
    const struct job *job;
    struct ct_export_input input; /* what is known of it before */
    struct ct_filter *filter;     /* borrowed, as is the next */
    struct ct_idle *idle;
};

static gboolean write_profile(struct question *question, struct ct_store *store, GError **error)
{
    const struct options *options = question->job->options;
    struct ct_export_input *input = &question->input;
    struct ct_profile_source source = {
        .kind = options->kind,
        .directory = input->directory,
        .asked = &options->scope,
        .filter = question->filter,
        .idle = question->idle,
        .window = {0, UINT64_MAX},
    };
    g_autofree char *only = ct_selection_describe(&options->scope.selection);

    if (input->scope->window)
        source.window = *input->scope->window;
    ct_profile_source_begin(&source);
    g_autoptr(ct_profile) profile = source.profile;

    if (!ct_profile_source_gather(&source, store, input->model, error) ||
        !ct_profile_source_check_recorded(&source, input->model, error))
        return FALSE;
    g_autoptr(GArray) samples = ct_profile_source_samples(&source, input->model);

    input->samples = samples;
    input->only = only;
    return options->format->write(input, stdout, error);
}

static gboolean answer(void *user, struct ct_store *store, GError **error)
{
    struct question *question = user;
    struct ct_export_input *input = &question->input;

    input->store = store;
    if (!input->scope->window) {
        input->begin_ns = input->model->begin_ns;
        input->end_ns = input->model->end_ns;
    }
    if (!(question->job->options->format->content == CT_EXPORT_PROFILE
              ? write_profile(question, store, error)
              : question->job->options->format->write(input, stdout, error)))
        return FALSE;
    ct_symbolizer_keep(input->symbolizer);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return TRUE;
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED, "%s: there is no room for it",
                input->directory);
    return FALSE;
}

/* The kernel tells how long each wait was; the program itself alone, of short ones only some. */
static void remark_on_samples(const struct ct_export_format *format, const struct ct_model *model,
                              GPtrArray *remarks)
{
    const struct ct_capture *capture = &model->capture;

    if (format->content != CT_EXPORT_WAITS || capture->rate_ns == 0 || capture->has_kernel)
        return;
    g_autofree char *rate = ct_format_duration(capture->rate_ns);

    g_ptr_array_add(
        remarks, g_strdup_printf("waits shorter than %s were sampled: each that is written has the "
                                 "number that it stands for, and sums without it are too small "
                                 "(see ctrace record --rate)",
                                 rate));
}

static gboolean export(const struct job *job, struct ct_activity *activity, GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_window window = {0, UINT64_MAX};
    gboolean is_whole = ct_scope_is_whole_time(&job->options->scope);

    if (!is_whole &&
        !ct_recording_find_window(job->directory, activity, &job->options->scope, &window, error))
        return FALSE;
    const struct ct_selection *selection = &job->options->scope.selection;
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    g_autoptr(ct_idle) idle = ct_idle_new(model, symbolizer);
    g_autoptr(ct_filter) filter = ct_filter_new(selection, symbolizer, idle);
    g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
    struct question question = {.job = job, .filter = filter, .idle = idle};
    const struct ct_store_scope scope = {.window = is_whole ? NULL : &window,
                                         .selection = selection,
                                         .filter = ct_filter_of_intervals(filter)};

    question.input = (struct ct_export_input){
        .model = model,
        .symbolizer = symbolizer,
        .scope = &scope,
        .directory = job->directory,
        .begin_ns = window.begin_ns,
        .end_ns = window.end_ns,
        .kind = job->options->kind,
        .remarks = remarks,
    };
    if (!ct_recording_ask(job->directory, activity, model, answer, &question, error))
        return FALSE;
    remark_on_samples(job->options->format, model, remarks);
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);
    g_autoptr(GPtrArray) unmatched = ct_filter_complaints(filter);

    ct_say_all(complaints);
    ct_say_all(unmatched);
    ct_say_all(remarks);
    return TRUE;
}

static void say_written(const struct options *options)
{
    g_autofree char *path = ct_shell_path(options->output);
    g_auto(GStrv) parts =
        g_strsplit(options->format->next ? options->format->next : "", "FILE", -1);
    g_autofree char *next = g_strjoinv(path, parts);

    ct_say("wrote %s%s%s", options->output, next[0] ? "; next: " : "", next);
}

static int work(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    const struct options *options = job->options;
    g_autoptr(GError) error = NULL;

    if (!export(job, activity, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    ct_worker_begin_remarks(activity);
    if (options->output)
        say_written(options);
    return EXIT_SUCCESS;
}

int main(int argument_count, char **arguments)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;

    (void)argument_count;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace export");
    if (!parse_options(&options, arguments, &error)) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else if (options.format->content == CT_EXPORT_PAGE) {
        status = become_timeline(&options);
    } else {
        struct job job = {&options, ct_command_directory(options.directories, NULL)};

        status = ct_worker_save(job.directory, options.output, work, &job);
    }
    options_clear(&options);
    return status;
}
