/* ctrace-diff: what changed between recordings of a program, and what of that is proven. */
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "commands/diff_sides.h"
#include "diff/format.h"
#include "diff/gather.h"
#include "model/capture_notes.h"
#include "options/parse.h"
#include "passes/filter.h"
#include "text/names.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0 to 2 are what --fail-on asks for. */
#define EXIT_NOT_COMPARED 3

#define USUAL_TOP 10
#define TOP_MAX   1000

struct options {
    char *format;
    char *per;
    char *per_old;
    char *per_new;
    char **fail_on;
    int top;
    int width;
    gboolean is_version;
    char **words;
    struct ct_scope scope;

    /* What was made of them. */
    struct ct_per per_what;
    GPtrArray *gates;           /* owned; struct ct_gate * */
    GPtrArray *sides[CT_SIDES]; /* owned; directories */
};

static const char description[] =
    "Either side is one recording or several, of as many runs: with commas in between, as a\n"
    "pattern, or a directory that has them in it. With several on both sides, what is not proven\n"
    "is marked ~; with one there is no proof.\n"
    "\n"
    "CHECK is of a state (sync.delay), or op:NAME, place:NAME, stack:NAME, lock:NAME, peer:NAME,\n"
    "server:NAME with .count, .delay, .mean, .p50 or .p99, or duration; > or <; and +N%, -N%, a\n"
    "time or a number. It exits with 0 if none fails, 1 if one does, 2 if it cannot be told, and\n"
    "3 if nothing could be compared.\n"
    "\n"
    "Examples:\n"
    "  ctrace diff before after\n"
    "  ctrace diff before-1,before-2,before-3,before-4 'after-*' --per=run\n"
    "  ctrace diff runs/main runs/branch --fail-on='sync.delay>+10%'\n"
    "\n" CT_SCOPE_HELP;

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format, "text (the default), json or csv",
         "FORMAT"},
        {"per", 0, 0, G_OPTION_ARG_STRING, &options->per,
         "Divide by this: second (the default), run, request, or a number of units of work",
         "UNIT|N"},
        {"per-old", 0, 0, G_OPTION_ARG_STRING, &options->per_old,
         "So many units did each run of the old side", "N"},
        {"per-new", 0, 0, G_OPTION_ARG_STRING, &options->per_new, "And each of the new side", "N"},
        {"fail-on", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->fail_on,
         "Exit with 1 where this is proven, such as 'sync.delay>+10%'; may be repeated", "CHECK"},
        {"top", 'n', 0, G_OPTION_ARG_INT, &options->top, "Rows of each table (10)", "N"},
        {"width", 'w', 0, G_OPTION_ARG_INT, &options->width,
         "Columns of the text ($COLUMNS, the terminal's, or 100)", "COLUMNS"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL,
         "OLD[,OLD...] NEW[,NEW...]"},
        {0},
    };
    static const struct ct_option_values values[] = {
        {"FORMAT", ct_diff_format_names}, {"UNIT", ct_per_names}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    g_option_context_set_summary(
        context, "Compares recordings of a program before and after a change: what its threads\n"
                 "wait for more, or less.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    ct_scope_add_options(&options->scope, context);
    ct_scope_refuse_threads(&options->scope, context);
    return ct_options_parse_values(context, entries, values, &arguments, error);
}

static gboolean parse_gates(struct options *options, GError **error)
{
    options->gates = g_ptr_array_new_with_free_func((GDestroyNotify)ct_gate_free);
    for (char **text = options->fail_on; text && *text; text++) {
        struct ct_gate *gate = ct_gate_parse(*text, error);

        if (!gate)
            return FALSE;
        g_ptr_array_add(options->gates, gate);
    }
    return TRUE;
}

static gboolean find_sides(struct options *options, GError **error)
{
    guint count = options->words ? g_strv_length(options->words) : 0;

    if (count != CT_SIDES) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    count < CT_SIDES
                        ? "two sides are to be compared: ctrace diff OLD NEW"
                        : "there are more than two sides: put commas between the recordings of "
                          "one, OLD1,OLD2 NEW1,NEW2, or quotes around a pattern");
        return FALSE;
    }
    for (int side = 0; side < CT_SIDES; side++) {
        options->sides[side] = ct_diff_side_list(options->words[side], error);
        if (!options->sides[side])
            return FALSE;
    }
    return ct_diff_sides_check(options->sides[CT_OLD], options->sides[CT_NEW], error);
}

static gboolean check_options(struct options *options, GError **error)
{
    if (options->is_version)
        return TRUE;
    if (!ct_diff_format_find(options->format)) {
        g_auto(GStrv) names = ct_diff_format_names();
        g_autofree char *list = ct_names_list(names, " and ");

        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--format=%s is none of %s",
                    options->format, list);
        return FALSE;
    }
    if (options->top < 1 || options->top > TOP_MAX) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--top=%d is not between 1 and %d", options->top, TOP_MAX);
        return FALSE;
    }
    return ct_command_check_width(options->width, error) &&
           ct_scope_check(&options->scope, error) && parse_gates(options, error) &&
           ct_per_parse(options->per, options->per_old, options->per_new, &options->per_what,
                        error) &&
           find_sides(options, error);
}

/* ---- A run, in a worker ---- */

struct job {
    const struct options *options;
    const char *directory;
    struct ct_report *report; /* owned by who asks, as the next */
    const struct ct_store_scope *scope;
    struct ct_digest *digest;
};

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    struct job *job = user;

    job->digest = ct_digest_gather(job->report, store, job->scope, error);
    return job->digest != NULL;
}

/* They are of several recordings. */
static void say_of(const char *directory, const GPtrArray *lines)
{
    for (guint i = 0; i < lines->len; i++)
        ct_say("%s: %s", directory, (const char *)lines->pdata[i]);
}

static gboolean check_threads(const struct ct_report *report, GError **error)
{
    if (report->threads->len > 0 || ct_selection_is_all_threads(&report->scope.selection))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "none of its %u threads matches",
                report->model->threads->len);
    return FALSE;
}

static gboolean gather(struct job *job, struct ct_activity *activity, struct ct_model *model,
                       GError **error)
{
    const struct ct_scope *asked = &job->options->scope;
    struct ct_report_scope scope = {.selection = asked->selection,
                                    .is_whole_time = ct_scope_is_whole_time(asked)};

    if (!scope.is_whole_time &&
        !ct_recording_find_window(job->directory, activity, asked, &scope.window, error))
        return FALSE;
    g_autoptr(ct_report) report = ct_report_new(model, &scope, 0);
    g_autoptr(ct_filter) filter =
        ct_filter_new(&report->scope.selection, report->symbolizer, report->idle);
    const struct ct_store_scope store_scope = {
        .window = scope.is_whole_time ? NULL : &report->scope.window,
        .selection = &report->scope.selection,
        .filter = ct_filter_of_intervals(filter),
    };

    job->report = report;
    job->scope = &store_scope;
    if (!ct_recording_ask(job->directory, activity, model, ask, job, error) ||
        !check_threads(report, error))
        return FALSE;
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);
    g_autoptr(GPtrArray) unmatched = ct_filter_complaints(filter);

    say_of(job->directory, complaints);
    say_of(job->directory, unmatched);
    ct_symbolizer_keep(report->symbolizer);
    say_of(job->directory, ct_symbolizer_warnings(report->symbolizer));
    return TRUE;
}

static int write_digest(void *user, struct ct_activity *activity)
{
    struct job *job = user;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) packed = NULL;

    if (gather(job, activity, model, &error)) {
        packed = ct_digest_pack(job->digest);
        fwrite(g_bytes_get_data(packed, NULL), 1, g_bytes_get_size(packed), stdout);
    } else {
        ct_say("%s: %s", job->directory, error->message);
    }
    ct_digest_free(job->digest);
    return packed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* NULL: it said why. */
static struct ct_digest *read_digest(const struct options *options, const char *directory)
{
    struct job job = {.options = options, .directory = directory};
    struct ct_worker_result result;
    g_autoptr(GError) error = NULL;
    struct ct_digest *digest = NULL;

    if (!ct_worker_run(directory, write_digest, &job, &result, &error)) {
        ct_say("%s", error->message);
        return NULL;
    }
    ct_say_bytes(result.notes);
    ct_say_bytes(result.remarks);
    if (result.limit)
        ct_say("maybe '%s' could not be read for this: %s", directory, result.limit);
    if (result.status == EXIT_SUCCESS) {
        digest = ct_digest_unpack(result.output);
        if (!digest)
            ct_say("'%s' could not be summed up", directory);
    }
    ct_worker_result_clear(&result);
    return digest;
}

/* ---- All of them ---- */

static GPtrArray *read_side(const struct options *options, enum ct_side side)
{
    GPtrArray *digests = g_ptr_array_new_with_free_func((GDestroyNotify)ct_digest_free);

    for (guint i = 0; i < options->sides[side]->len; i++) {
        struct ct_digest *digest = read_digest(options, options->sides[side]->pdata[i]);

        if (!digest) {
            g_ptr_array_unref(digests);
            return NULL;
        }
        g_ptr_array_add(digests, digest);
    }
    return digests;
}

/* "waits of class net; --from=1s"; "" where it is everything. */
static char *describe_part(const struct options *options)
{
    g_autofree char *selection = ct_selection_describe(&options->scope.selection);
    g_autofree char *times = ct_scope_words(&options->scope, CT_SCOPE_TIMES);

    return g_strdup_printf("%s%s%s", selection, selection[0] && times[0] ? "; " : "", times);
}

static int print(const struct options *options, const struct ct_diff *diff)
{
    g_autofree char *only = describe_part(options);
    const struct ct_diff_layout layout = {
        .width = options->width ? (guint)options->width : ct_command_width(), .only = only};
    g_autoptr(GPtrArray) verdicts = ct_gates_judge(options->gates, diff);

    ct_diff_format_find(options->format)->write(diff, verdicts, &layout, stdout);
    if (ferror(stdout) || fflush(stdout) != 0 || fclose(stdout) != 0) {
        ct_say("cannot write the comparison: %s", g_strerror(errno));
        return EXIT_NOT_COMPARED;
    }
    return (int)ct_gates_outcome(verdicts);
}

static int run(const struct options *options)
{
    GPtrArray *digests[CT_SIDES] = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(ct_diff) diff = NULL;
    int status = EXIT_NOT_COMPARED;

    digests[CT_OLD] = read_side(options, CT_OLD);
    if (digests[CT_OLD])
        digests[CT_NEW] = read_side(options, CT_NEW);
    if (digests[CT_NEW])
        diff = ct_diff_new(digests, &options->per_what, (guint)options->top, &error);
    if (diff)
        status = print(options, diff);
    else if (error)
        ct_say("%s", error->message);
    for (int side = 0; side < CT_SIDES; side++) {
        if (digests[side])
            g_ptr_array_unref(digests[side]);
    }
    return status;
}

/* Where in a check something is wrong is shown in lines below. */
static void say_usage(const GError *error)
{
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);

    for (char **line = lines; *line; line++)
        ct_say(line[1] ? "%s" : "%s (see ctrace diff --help)", *line);
}

static void clear(struct options *options)
{
    g_free(options->format);
    g_free(options->per);
    g_free(options->per_old);
    g_free(options->per_new);
    g_strfreev(options->fail_on);
    g_strfreev(options->words);
    g_clear_pointer(&options->gates, g_ptr_array_unref);
    for (int side = 0; side < CT_SIDES; side++)
        g_clear_pointer(&options->sides[side], g_ptr_array_unref);
    ct_scope_clear(&options->scope);
}

int main(int argc, char **argv)
{
    struct options options = {.top = USUAL_TOP};
    g_autoptr(GError) error = NULL;
    int status = EXIT_NOT_COMPARED;

    (void)argc;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace diff");
    if (!parse_options(&options, argv, &error) || !check_options(&options, &error)) {
        say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    clear(&options);
    return status;
}
