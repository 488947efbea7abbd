/* ctrace-pprof: blocking and CPU profiles for `go tool pprof`. */
#include "export/pprof.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "export/gzip.h"
#include "ingest/ingest.h"
#include "model/capture_notes.h"
#include "model/format.h"
#include "options/nearest.h"
#include "options/parse.h"
#include "schema/capture_words.h"

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
    gboolean is_version;
    struct ct_profile_limits limits;
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

/* Of what runs, it is places alone that can be asked for. */
static gboolean check_waits(const struct options *options, GError **error)
{
    struct ct_selection waits = options->scope.selection;

    if (ct_profile_kind_is_path(options->kind))
        return ct_scope_check_all_waits(&options->scope, "a critical path", error);
    waits.place = NULL;
    if (ct_profile_kind_has_waits(options->kind) || ct_selection_is_all_waits(&waits))
        return TRUE;
    g_set_error(
        error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
        "--class, --op, --object, --min and --no-idle are of waits, and a %s profile has none",
        ct_profile_kind_name(options->kind));
    return FALSE;
}

static gboolean take_arguments(struct options *options, int count, char **arguments, GError **error)
{
    if (options->is_version)
        return TRUE;
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
    return ct_scope_check(&options->scope, error) && check_waits(options, error);
}

static gboolean parse_options(struct options *options, char **typed, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(typed);
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
         "Write the profile to FILE [stdout; on a terminal, the file KIND.pb.gz]", "FILE"},
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
    ct_scope_add_options(&options->scope, context);
    ct_scope_refuse_threads(&options->scope, context);
    return ct_options_parse_values(context, entries, values, &arguments, error) &&
           take_arguments(options, (int)g_strv_length(arguments), arguments, error);
}

static void options_clear(struct options *options)
{
    g_free(options->directory);
    g_free(options->output);
    ct_scope_clear(&options->scope);
}

static gboolean find_window(struct options *options, struct ct_activity *activity, GError **error)
{
    struct ct_window window = {0, UINT64_MAX};

    if (!ct_scope_is_whole_time(&options->scope) &&
        !ct_recording_find_window(options->directory, activity, &options->scope, &window, error))
        return FALSE;
    options->limits.begin_ns = window.begin_ns;
    options->limits.end_ns = window.end_ns;
    return TRUE;
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

    if (kind == CT_PROFILE_KIND_CPU)
        return g_strdup_printf("%s sample%s, %s of CPU time", number, is_one ? "" : "s", time);
    if (kind == CT_PROFILE_KIND_WALL)
        return g_strdup_printf("%s of the threads' time", time);
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
    g_autofree char *quoted = g_shell_quote(path);
    gboolean is_plain =
        strspn(path, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "/._-+") == strlen(path);
    ct_say("wrote %s: %s%s%s; next: go tool pprof -top %s", path, sum, only[0] ? "; only " : "",
           only, is_plain ? path : quoted);
}

/* NULL: standard output. */
static char *find_path(const struct options *options)
{
    if (options->output)
        return g_str_equal(options->output, "-") ? NULL : g_strdup(options->output);
    return isatty(STDOUT_FILENO) ? g_strdup_printf("%s.pb.gz", ct_profile_kind_name(options->kind))
                                 : NULL;
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
        .begin_ns = MAX(options->limits.begin_ns, model->begin_ns),
        .end_ns = MIN(options->limits.end_ns, model->end_ns),
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

/* A profile of what runs takes samples of that; one of all time says so if they are not there. */
static gboolean check_samples(const struct options *options, const struct ct_model *model,
                              GError **error)
{
    const char *missing = ct_capture_note_about(&model->capture, CT_LAYER_CPU);

    if (!ct_profile_kind_has_samples(options->kind) || model->capture.samples > 0)
        return TRUE;
    if (options->kind == CT_PROFILE_KIND_WALL) {
        ct_say("there are no CPU samples: the time that threads ran has no stacks; "
               "ctrace record --cpu takes them");
        return TRUE;
    }
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED, "%s: there are no CPU samples: %s",
                options->directory,
                missing ? missing : "take them with: ctrace record --cpu PROGRAM");
    return FALSE;
}

/* What is asked, where the profile asks the store of what it is told. */
struct question {
    struct ct_profile *profile;
    const struct ct_store_scope *scope;
    const struct ct_model *model;
    gboolean is_path;
};

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    const struct question *question = user;
    const struct ct_sink sink = ct_profile_sink(question->profile);

    if (question->is_path)
        return ct_profile_follow(question->profile, store, question->model, question->scope, error);
    ct_profile_set_store(question->profile, store);
    gboolean is_replayed = ct_store_replay(store, question->scope, &sink, error);

    /* An error of both is told once. */
    return ct_profile_check(question->profile, is_replayed ? error : NULL) && is_replayed;
}

static gboolean read_profile(const struct options *options, struct ct_activity *activity,
                             struct ct_model *model, const struct ct_store_scope *scope,
                             struct ct_profile *profile, GError **error)
{
    const struct ct_sink sink = ct_profile_sink(profile);
    struct question question = {profile, scope, model, ct_profile_kind_is_path(options->kind)};

    if (ct_profile_kind_needs_store(options->kind))
        return ct_recording_ask(options->directory, activity, model, ask, &question, error);
    return ct_recording_read(options->directory, activity, model, scope, &sink, error);
}

/* What was recorded must be what the kind of profile is made of. */
static gboolean check_layers(const struct options *options, const struct ct_model *model,
                             GError **error)
{
    if (options->kind != CT_PROFILE_KIND_SCHED || model->capture.has_kernel)
        return check_samples(options, model, error);
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                "%s: the recording has no kernel layer, so it cannot tell when threads were "
                "ready to run but did not",
                options->directory);
    return FALSE;
}

static struct ct_store_scope scope_of(const struct options *options, const struct ct_window *window,
                                      const struct ct_filter *filter)
{
    gboolean is_wall = options->kind == CT_PROFILE_KIND_WALL;

    return (struct ct_store_scope){
        .window = window,
        /* Others' waits are charged to who held a lock, or let them go on. */
        .selection = ct_profile_kind_tells_waiter(options->kind) ? NULL : &options->scope.selection,
        .filter = is_wall ? NULL : ct_filter_of_intervals(filter),
    };
}

static gboolean make_profile(const struct job *job, struct ct_activity *activity, GError **error)
{
    struct options *options = job->options;
    const struct ct_selection *selection = &options->scope.selection;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    g_autoptr(ct_idle) idle = ct_idle_new(model, symbolizer);
    g_autoptr(ct_filter) filter = ct_filter_new(selection, symbolizer, idle);
    const struct ct_selection everybody = {0};

    if (!find_window(options, activity, error))
        return FALSE;
    /* What runs, and what is scaled, the profile asks about itself. */
    options->limits.filter = ct_profile_kind_has_samples(options->kind) ? filter : NULL;
    options->limits.idle = idle;
    g_autoptr(ct_profile) profile = ct_profile_new(options->kind, &options->limits);
    const struct ct_window window = {options->limits.begin_ns, options->limits.end_ns};
    const struct ct_store_scope scope = scope_of(options, &window, filter);

    if (!read_profile(options, activity, model, &scope, profile, error))
        return FALSE;
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);
    g_autoptr(GPtrArray) unmatched = ct_filter_complaints(filter);

    ct_say_all(complaints);
    ct_say_all(unmatched);
    if (!check_layers(options, model, error))
        return FALSE;
    g_autoptr(GArray) samples = ct_profile_samples(
        profile, model, ct_profile_kind_is_path(options->kind) ? &everybody : selection);
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
