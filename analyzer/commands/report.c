/* ctrace-report: what a recording says, as text, JSON or CSV. */
#include "cli/asked_request.h"
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "commands/report_findings.h"
#include "commands/report_passes.h"
#include "export/report_format.h"
#include "model/capture_notes.h"
#include "options/parse.h"
#include "passes/filter.h"
#include "summary/idle_times.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOP_MAX 100000

/* Where the command line says nothing else: of everything or a section, and of an overview. */
#define USUAL_TOP      10
#define OVERVIEW_TOP   4
#define USUAL_DEPTH    6
#define OVERVIEW_DEPTH 3
#define NOT_SAID       G_MININT

struct options {
    char *format;
    int top;
    int width;
    int depth;
    gboolean is_all;
    gboolean is_version;
    char **words;
    struct ct_scope scope;
    struct ct_asked_request request;
};

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format,
         "text (the default), json, or csv (a table: of threads, or what SECTION is)", "FORMAT"},
        {"top", 'n', 0, G_OPTION_ARG_INT, &options->top,
         "Entries of each list (10; in the overview 4)", "N"},
        {"depth", 'd', 0, G_OPTION_ARG_INT, &options->depth,
         "Frames of each stack (6; in the overview 3)", "N"},
        {"width", 'w', 0, G_OPTION_ARG_INT, &options->width,
         "Columns of the text ($COLUMNS, the terminal's, or 100)", "COLUMNS"},
        {"all", 0, 0, G_OPTION_ARG_NONE, &options->is_all,
         "Everything; each thread, process and place of a process by itself, not by kind", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL,
         "[SECTION] [DIR]"},
        {0},
    };
    static const struct ct_option_values values[] = {
        {"FORMAT", ct_report_format_names}, {"SECTION", ct_report_section_names}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);
    g_autofree char *sections = ct_report_section_list();
    g_autofree char *description = g_strdup_printf(
        "SECTION, of %s,\nshows that part alone and at length.\n\n%s", sections, CT_SCOPE_HELP);

    g_option_context_set_summary(
        context, "Shows what the threads of a recording waited for: what was recorded and what\n"
                 "was not, time by class, the places that waited, and the longest waits.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    ct_asked_request_add_option(&options->request, context);
    ct_scope_add_options(&options->scope, context);
    ct_scope_refuse_threads(&options->scope, context);
    return ct_options_parse_values(context, entries, values, &arguments, error);
}

/* A recording that is called as a section is, is "./waits". NULL: none is asked for. */
static const char *section_of(const struct options *options)
{
    return options->words && options->words[0] && ct_report_has_section(options->words[0])
               ? options->words[0]
               : NULL;
}

static const char *directory_of(const struct options *options, GError **error)
{
    return ct_command_directory(section_of(options) ? options->words + 1 : options->words, error);
}

static gboolean is_default(const struct options *options)
{
    return !options->words || !options->words[section_of(options) ? 1 : 0];
}

static gboolean check_options(struct options *options, GError **error)
{
    g_autofree char *formats = ct_report_format_list();
    const struct ct_report_format *format = ct_report_format_find(options->format);
    g_autofree char *only = format ? ct_report_format_sections(format) : NULL;

    gboolean is_path = g_strcmp0(section_of(options), "path") == 0;

    if (!ct_scope_check(&options->scope, error) ||
        !ct_asked_request_check(&options->request, is_path, "ctrace report path", error) ||
        (is_path && !ct_scope_check_all_waits(&options->scope, "a critical path", error)))
        return FALSE;
    if (!format)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--format=%s is none of %s",
                    options->format, formats);
    else if (!directory_of(options, error))
        return FALSE;
    else if (section_of(options) && !ct_report_format_has(format, section_of(options)))
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--format=%s has no sections%s%s: leave out '%s', or name a recording of that "
                    "name as ./%s",
                    options->format, only ? " but " : "", only ? only : "", options->words[0],
                    options->words[0]);
    else if (options->top != NOT_SAID && (options->top < 0 || options->top > TOP_MAX))
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--top=%d is not between 0 and %d", options->top, TOP_MAX);
    else if (options->depth != NOT_SAID && options->depth < 0)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--depth=%d is below 0",
                    options->depth);
    else
        return ct_command_check_width(options->width, error);
    return FALSE;
}

static gboolean find_scope(const char *directory, struct ct_activity *activity,
                           struct options *options, struct ct_report_scope *scope, GError **error)
{
    const struct ct_scope *asked = &options->scope;
    struct ct_asked_request *request = &options->request;

    scope->selection = asked->selection;
    if (request->typed) {
        gboolean is_found = ct_asked_request_find(request, directory, activity, asked, error);

        scope->window = request->window;
        scope->selection.threads = (const char *const *)request->threads;
        return is_found;
    }
    scope->is_whole_time = ct_scope_is_whole_time(asked);
    return scope->is_whole_time ||
           ct_recording_find_window(directory, activity, asked, &scope->window, error);
}

/* A report about nobody is a mistake in the names. */
static gboolean check_threads(const struct ct_report *report, GError **error)
{
    if (report->threads->len > 0 || ct_selection_is_all_threads(&report->scope.selection))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "none of the %u threads recorded matches: see their names with ctrace report",
                report->model->threads->len);
    return FALSE;
}

/* It borrows from the report. */
static struct ct_store_scope store_scope(const struct ct_report *report,
                                         const struct ct_filter *filter)
{
    return (struct ct_store_scope){
        .window = report->scope.is_whole_time ? NULL : &report->scope.window,
        .selection = &report->scope.selection,
        .filter = ct_filter_of_intervals(filter),
    };
}

static gboolean gather(const char *directory, struct ct_activity *activity, struct ct_model *model,
                       const struct ct_store_scope *scope, struct ct_report *report, GError **error)
{
    const struct ct_sink sink = ct_report_sink(report);

    if (!ct_recording_read(directory, activity, model, scope, &sink, error))
        return FALSE;
    ct_report_finish(report);
    ct_report_tell_idle(report);
    return check_threads(report, error);
}

/* ---- The report ---- */

/* What is asked for, and where it goes. */
struct job {
    struct options *options;
    const struct ct_report_format *format;
    const char *directory;
    guint top; /* entries of each list that are kept */
    struct ct_report_layout layout;
};

/* They take the functions of all places. */
static gboolean has_findings(const struct ct_report_layout *layout)
{
    return layout->extent != CT_REPORT_SECTION || strcmp(layout->section, "findings") == 0;
}

static gboolean ask_cpu_use(const struct job *job, struct ct_activity *activity,
                            struct ct_report *report, struct ct_cpu_use **use, GError **error)
{
    const struct ct_window *window = report->scope.is_whole_time ? NULL : &report->scope.window;

    if (!job->format->has_places || !has_findings(&job->layout))
        return TRUE;
    if (!ct_report_ask_cpu_use(job->directory, activity, window, use, error))
        return FALSE;
    ct_report_set_cpu_use(report, *use);
    return TRUE;
}

static int write_report(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_report_scope scope = {0};
    g_autoptr(ct_cpu_use) cpu_use = NULL;
    g_autoptr(GError) error = NULL;

    if (!find_scope(job->directory, activity, job->options, &scope, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    scope.has_each_process = job->options->is_all;
    g_autoptr(ct_report) report = ct_report_new(model, &scope, job->top);
    g_autoptr(ct_filter) filter =
        ct_filter_new(&report->scope.selection, report->symbolizer, report->idle);
    const struct ct_store_scope asked = store_scope(report, filter);
    g_auto(ct_report_passes) passes = {.model = ct_model_new(),
                                       .scope = &asked,
                                       .report = report,
                                       .format = job->format,
                                       .layout = &job->layout,
                                       .top = job->top};

    if (!ask_cpu_use(job, activity, report, &cpu_use, &error) ||
        !gather(job->directory, activity, model, &asked, report, &error) ||
        !ct_report_passes_find(&passes, job->directory, activity, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }

    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);
    g_autoptr(GPtrArray) unmatched = ct_filter_complaints(filter);

    ct_say_all(complaints);
    ct_say_all(unmatched);
    if (job->format->has_places)
        ct_report_fold_places(report);
    if (job->format->has_places && has_findings(&job->layout) &&
        !ct_report_ask_findings(job->directory, activity, report, &asked, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    job->format->write(report, &job->layout, stdout);
    ct_symbolizer_keep(report->symbolizer);
    ct_worker_begin_remarks(activity);
    ct_say_all(ct_symbolizer_warnings(report->symbolizer));
    return EXIT_SUCCESS;
}

static enum ct_report_extent extent_of(const struct options *options)
{
    if (section_of(options))
        return CT_REPORT_SECTION;
    return options->is_all ? CT_REPORT_ALL : CT_REPORT_OVERVIEW;
}

/* --all is all of the path that may be kept. */
static guint usual_top(const struct options *options)
{
    return g_strcmp0(section_of(options), "path") == 0 && options->is_all ? TOP_MAX : USUAL_TOP;
}

static guint said_or(int said, int usual)
{
    return (guint)(said != NOT_SAID ? said : usual);
}

static int run(struct options *options)
{
    enum ct_report_extent extent = extent_of(options);
    gboolean is_overview = extent == CT_REPORT_OVERVIEW;
    g_autofree char *processes = ct_scope_words(&options->scope, CT_SCOPE_PROCESSES);
    g_autofree char *threads = ct_scope_words(&options->scope, CT_SCOPE_THREADS);
    g_autofree char *waits = ct_scope_words(&options->scope, CT_SCOPE_WAITS);
    g_autofree char *times = ct_scope_words(&options->scope, CT_SCOPE_TIMES);
    struct job job = {
        .options = options,
        .format = ct_report_format_find(options->format),
        .directory = directory_of(options, NULL),
        .top = said_or(options->top, usual_top(options)),
        .layout = {.width = options->width ? (guint)options->width : ct_command_width(),
                   .depth = said_or(options->depth, is_overview ? OVERVIEW_DEPTH : USUAL_DEPTH),
                   .top = said_or(options->top, is_overview ? OVERVIEW_TOP : usual_top(options)),
                   .has_colour = isatty(STDOUT_FILENO) && !g_getenv("NO_COLOR") &&
                                 g_strcmp0(g_getenv("TERM"), "dumb") != 0,
                   .context = {is_default(options) ? NULL : directory_of(options, NULL), processes,
                               threads, waits, times},
                   .extent = extent,
                   .section = section_of(options)},
    };

    return ct_worker_print(job.directory, "report", write_report, &job);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct options options = {.top = NOT_SAID, .depth = NOT_SAID};
    g_autoptr(GError) error = NULL;
    int status;

    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace report");
    if (!parse_options(&options, argv, &error) || !check_options(&options, &error)) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    g_free(options.format);
    g_strfreev(options.words);
    ct_scope_clear(&options.scope);
    ct_asked_request_clear(&options.request);
    return status;
}
