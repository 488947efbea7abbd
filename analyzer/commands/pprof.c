/* ctrace-pprof: blocking and CPU profiles for `go tool pprof`. */
#include "export/pprof.h"
#include "cli/asked_request.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "commands/pprof_merge.h"
#include "commands/profile_source.h"
#include "export/gzip.h"
#include "ingest/ingest.h"
#include "model/capture_notes.h"
#include "model/format.h"
#include "options/nearest.h"
#include "options/parse.h"
#include "text/shell_word.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More files than this without names are summed up in one line. */
#define MAX_SYMBOL_WARNINGS 8

struct options {
    enum ct_profile_kind kind;
    char *directory;
    char *output;
    struct ct_scope scope;
    struct ct_asked_request request;
    gboolean is_version;
    gboolean is_merge;
    char *base;   /* owned; of a merge; or NULL */
    char **files; /* owned; to be merged */
    struct ct_window window;
};

/* What the worker is to do. */
struct job {
    struct options *options;
    const char *path; /* borrowed; where the profile goes; NULL: standard output */
};

static char *describe_kinds(void)
{
    GString *text = g_string_new("Profiles:\n");

    for (int kind = 0; kind < CT_PROFILE_KIND_COUNT; kind++)
        g_string_append_printf(text, "  %-9s%s\n", ct_profile_kind_name(kind),
                               ct_profile_kind_description(kind));
    g_string_append(text, "\n" CT_SCOPE_HELP "\n\n"
                          "Look at a profile with: go tool pprof -http=: sync.pb.gz");
    return g_string_free(text, FALSE);
}

static void set_unknown_kind(GError **error, const char *typed)
{
    g_autofree char *list = ct_profile_kind_list(" and ");
    const char *names[CT_PROFILE_KIND_COUNT];

    for (guint kind = 0; kind < CT_PROFILE_KIND_COUNT; kind++)
        names[kind] = ct_profile_kind_name(kind);
    const char *meant = ct_nearest(typed, names, CT_PROFILE_KIND_COUNT);

    if (meant)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "no profile is called \"%s\": did you mean %s?", typed, meant);
    else
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "no profile is called \"%s\"; there are %s", typed, list);
}

static gboolean take_files(struct options *options, int count, char **arguments, GError **error)
{
    if (count < 2) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "which profiles are to be one? As in: ctrace pprof --merge 1.pb.gz 2.pb.gz -o "
                    "all.pb.gz");
        return FALSE;
    }
    if (options->request.typed || !ct_selection_is_all(&options->scope.selection) ||
        !ct_scope_is_whole_time(&options->scope)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--merge takes profiles as they are: choose a part where each is made, or by "
                    "go tool pprof -tagfocus");
        return FALSE;
    }
    options->files = g_strdupv(arguments + 1);
    return TRUE;
}

static gboolean take_arguments(struct options *options, int count, char **arguments, GError **error)
{
    if (options->is_version)
        return TRUE;
    if (options->is_merge)
        return take_files(options, count, arguments, error);
    if (options->base) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--base is of profiles: ctrace pprof --merge --base=BEFORE AFTER -o OUT");
        return FALSE;
    }
    if (count < 2 || count > 3) {
        g_autofree char *list = ct_profile_kind_list(" or ");

        if (count < 2)
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "which profile? %s", list);
        else
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        "too many arguments: a profile and a directory are expected");
        return FALSE;
    }
    if (!ct_profile_kind_from_name(arguments[1], &options->kind)) {
        set_unknown_kind(error, arguments[1]);
        return FALSE;
    }
    options->directory = g_strdup(count == 3 ? arguments[2] : CT_DEFAULT_DIRECTORY);
    return ct_scope_check(&options->scope, error) &&
           ct_asked_request_check(&options->request, ct_profile_kind_is_path(options->kind),
                                  "ctrace pprof critical", error) &&
           ct_profile_source_check_filters(options->kind, &options->scope, error);
}

static gboolean parse_options(struct options *options, char **typed, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(typed);
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
         "Write the profile to FILE [stdout; on a terminal, the file KIND.pb.gz]", "FILE"},
        {"merge", 0, 0, G_OPTION_ARG_NONE, &options->is_merge,
         "Make one profile of several: ctrace pprof --merge FILE... -o OUT", NULL},
        {"base", 0, 0, G_OPTION_ARG_FILENAME, &options->base,
         "With --merge: take away what profile FILE has, as an earlier one of the heap", "FILE"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {0}};
    static const struct ct_option_values values[] = {{"KIND", ct_profile_kind_rows}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new("KIND [DIR]");
    g_autofree char *description = describe_kinds();

    g_option_context_set_summary(
        context,
        "Writes a profile of a recording, for `go tool pprof`: where the program's threads\n"
        "waited or ran, how often and how long.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    ct_asked_request_add_option(&options->request, context);
    ct_scope_add_options(&options->scope, context);
    ct_scope_refuse_threads(&options->scope, context);
    return ct_options_parse_values(context, entries, values, &arguments, error) &&
           take_arguments(options, (int)g_strv_length(arguments), arguments, error);
}

static void options_clear(struct options *options)
{
    g_free(options->directory);
    g_free(options->base);
    g_free(options->output);
    g_strfreev(options->files);
    ct_scope_clear(&options->scope);
    ct_asked_request_clear(&options->request);
}

static gboolean find_window(struct options *options, struct ct_activity *activity, GError **error)
{
    struct ct_asked_request *request = &options->request;

    options->window = (struct ct_window){0, UINT64_MAX};
    if (request->typed) {
        gboolean is_found =
            ct_asked_request_find(request, options->directory, activity, &options->scope, error);

        options->window = request->window;
        options->scope.selection.threads = (const char *const *)request->threads;
        return is_found;
    }
    return ct_scope_is_whole_time(&options->scope) ||
           ct_recording_find_window(options->directory, activity, &options->scope, &options->window,
                                    error);
}

static void report_symbol_warnings(const struct ct_symbolizer *symbolizer)
{
    const GPtrArray *warnings = ct_symbolizer_warnings(symbolizer);

    for (guint i = 0; i < warnings->len && i < MAX_SYMBOL_WARNINGS; i++)
        ct_say("%s", (const char *)warnings->pdata[i]);
    if (warnings->len > MAX_SYMBOL_WARNINGS)
        ct_say("and so it is with %u more files", warnings->len - MAX_SYMBOL_WARNINGS);
}

static void report_nothing(const struct options *options, const struct ct_model *model)
{
    g_autofree char *missing = ct_capture_missing_layers(&model->capture);
    g_autofree char *unseen = ct_capture_unseen(&model->capture);
    gboolean is_filtered =
        !ct_selection_is_all(&options->scope.selection) || !ct_scope_is_whole_time(&options->scope);

    ct_say("the profile is empty: %s %s; a %s profile holds %s", options->directory,
           is_filtered ? "has nothing that the given options let through" : "has nothing for it",
           ct_profile_kind_name(options->kind), ct_profile_kind_description(options->kind));
    if (*missing)
        ct_say("not recorded: %s", missing);
    if (*unseen)
        ct_say("%s", unseen);
}

/* "3 waits, 12.1 ms" */
static char *describe_sum(enum ct_profile_kind kind, double count, double time_ns)
{
    g_autofree char *number = ct_format_count((uint64_t)count);
    g_autofree char *time = ct_format_duration((uint64_t)time_ns);
    gboolean is_one = g_str_equal(number, "1");

    if (ct_profile_kind_is_heap(kind)) {
        g_autofree char *size = g_format_size_full((guint64)time_ns, G_FORMAT_SIZE_IEC_UNITS);

        return g_strdup_printf("%s in %s block%s", size, number, is_one ? "" : "s");
    }
    if (kind == CT_PROFILE_KIND_CPU)
        return g_strdup_printf("%s sample%s, %s of CPU time", number, is_one ? "" : "s", time);
    if (kind == CT_PROFILE_KIND_WALL)
        return g_strdup_printf("%s of the threads' time", time);
    if (kind == CT_PROFILE_KIND_THREADS)
        return g_strdup_printf("%s thread%s", number, is_one ? "" : "s");
    if (ct_profile_kind_is_path(kind))
        return g_strdup_printf("a path of %s", time);
    return g_strdup_printf("%s wait%s, %s", number, is_one ? "" : "s", time);
}

static void report_written(const char *path, const struct options *options, const GArray *samples)
{
    double waits = 0, delay_ns = 0;

    for (guint i = 0; i < samples->len; i++) {
        waits += (double)g_array_index(samples, struct ct_profile_sample, i).count;
        delay_ns += (double)g_array_index(samples, struct ct_profile_sample, i).delay_ns;
    }
    g_autofree char *sum = describe_sum(options->kind, waits, delay_ns);
    g_autofree char *only = ct_selection_describe(&options->scope.selection);
    g_autofree char *word = ct_shell_path(path);

    ct_say("wrote %s: %s%s%s; next: go tool pprof -top %s", path, sum, only[0] ? "; only " : "",
           only, word);
}

/* NULL: standard output. */
static char *find_path(const struct options *options)
{
    if (options->output)
        return g_str_equal(options->output, "-") ? NULL : g_strdup(options->output);
    const char *name = options->is_merge ? "merged" : ct_profile_kind_name(options->kind);

    return isatty(STDOUT_FILENO) ? g_strdup_printf("%s.pb.gz", name) : NULL;
}

static gboolean export_samples(const struct job *job, const struct ct_model *model,
                               struct ct_symbolizer *symbolizer, const GArray *samples,
                               GError **error)
{
    const struct options *options = job->options;
    g_autofree char *only = ct_selection_describe(&options->scope.selection);
    struct ct_pprof_input input = {
        .samples = samples,
        .model = model,
        .symbolizer = symbolizer,
        .kind = options->kind,
        .begin_ns = MAX(options->window.begin_ns, model->begin_ns),
        .end_ns = MIN(options->window.end_ns, model->end_ns),
        .only = only,
    };
    input.end_ns = MAX(input.begin_ns, input.end_ns);
    g_autoptr(GBytes) profile = ct_pprof_encode(&input);
    ct_symbolizer_keep(symbolizer);
    g_autoptr(GBytes) compressed = ct_gzip(profile, error);

    report_symbol_warnings(symbolizer);
    if (!compressed || !ct_output_write_fd(STDOUT_FILENO, "the profile", compressed, error))
        return FALSE;
    ct_worker_begin_remarks(model->activity);
    if (job->path && samples->len > 0)
        report_written(job->path, options, samples);
    return TRUE;
}

/* What is asked, where the profile asks the store of what it is told. */
struct question {
    const struct ct_profile_source *source;
    const struct ct_model *model;
};

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    const struct question *question = user;

    return ct_profile_source_gather(question->source, store, question->model, error);
}

static gboolean read_profile(const struct ct_profile_source *source, struct ct_activity *activity,
                             struct ct_model *model, GError **error)
{
    const struct ct_sink sink = ct_profile_sink(source->profile);
    struct question question = {source, model};

    if (ct_profile_kind_needs_store(source->kind))
        return ct_recording_ask(source->directory, activity, model, ask, &question, error);
    return ct_recording_read(source->directory, activity, model, &source->scope, &sink, error);
}

static gboolean make_profile(const struct job *job, struct ct_activity *activity, GError **error)
{
    struct options *options = job->options;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    g_autoptr(ct_idle) idle = ct_idle_new(model, symbolizer);
    g_autoptr(ct_filter) filter = ct_filter_new(&options->scope.selection, symbolizer, idle);
    struct ct_profile_source source = {.kind = options->kind,
                                       .directory = options->directory,
                                       .asked = &options->scope,
                                       .filter = filter,
                                       .idle = idle};

    if (!find_window(options, activity, error))
        return FALSE;
    source.window = options->window;
    ct_profile_source_begin(&source);
    g_autoptr(ct_profile) profile = source.profile;

    if (!read_profile(&source, activity, model, error))
        return FALSE;
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);
    g_autoptr(GPtrArray) unmatched = ct_filter_complaints(filter);

    ct_say_all(complaints);
    ct_say_all(unmatched);
    if (!ct_profile_source_check_recorded(&source, model, error))
        return FALSE;
    g_autoptr(GArray) samples = ct_profile_source_samples(&source, model);
    if (samples->len == 0)
        report_nothing(options, model);
    return export_samples(job, model, symbolizer, samples, error);
}

static int work(void *user, struct ct_activity *activity)
{
    g_autoptr(GError) error = NULL;

    if (make_profile(user, activity, &error))
        return EXIT_SUCCESS;
    ct_say("%s", error->message);
    return EXIT_FAILURE;
}

static int run(struct options *options)
{
    g_autofree char *path = find_path(options);
    struct job job = {.options = options, .path = path};

    if (options->is_merge)
        return ct_pprof_merge_files(options->files, options->base, path);

    return ct_worker_save(options->directory, path, work, &job);
}

int main(int argument_count, char **arguments)
{
    (void)argument_count;
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;

    setlocale(LC_ALL, "");
    g_set_prgname("ctrace pprof");

    if (!parse_options(&options, arguments, &error)) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    options_clear(&options);
    return status;
}
