/* ctrace-trend: how functions' shares moved over profiles that were made one after the other. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "options/parse.h"
#include "paint/palette.h"
#include "paint/surface.h"
#include "paint/typesetter.h"
#include "summary/profile.h"
#include "trend/print.h"
#include "trend_scene.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 0 to 2 are what --fail-above asks for. */
#define EXIT_ROSE         1
#define EXIT_NOT_TOLD     2
#define EXIT_NOT_COMPARED 3

/* A worker ends with 1 whatever goes wrong in it, so that it says this by numbers of its own. */
#define WORKER_ROSE     10
#define WORKER_NOT_TOLD 11

#define USUAL_DIRECTORY "profiles"
#define USUAL_TOP       10
#define TOP_MAX         1000
#define PICTURE_WIDTH   1200
#define USUAL_THEME     "light"

struct options {
    char **directories; /* owned, as are the others */
    char *kind;
    char *value;
    char *place;
    char *between;
    char *fail_above;
    char *format;
    char *output;
    int top;
    int width;
    gboolean is_cumulative;
    gboolean is_version;

    GRegex *places;     /* owned; what --place says; NULL: all */
    double most_points; /* what --fail-above says; negative: nothing */
};

static const char description[] =
    "DIR is profiles unless named. In it are folders by time, or files, as scripts that collect\n"
    "profiles lay them out: profiles/20260101_120000/cpu.pb.gz. Any profile of pprof's will do,\n"
    "also Go's. Its time is what it says itself, else what its folder is called.\n"
    "\n"
    "With --fail-above it exits with 0 if no function's share rose so much, 1 if one did, 2 if it\n"
    "cannot be told, and 3 if there are no two times to compare.\n"
    "\n"
    "Examples:\n"
    "  ctrace trend\n"
    "  ctrace trend profiles/production --profile=heap --sample=inuse_space --place='^http_'\n"
    "  ctrace trend --between=2026-01-01,2026-01-08 --fail-above=5\n"
    "  ctrace trend -o trend.svg";

static const char *const formats[] = {"text", "csv", NULL};

/* For a shell. */
static char **list_formats(void)
{
    return g_strdupv((char **)formats);
}

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"profile", 0, 0, G_OPTION_ARG_STRING, &options->kind,
         "The kind of profiles, as their files are called: cpu (the default), heap, sync ...",
         "KIND"},
        {"sample", 0, 0, G_OPTION_ARG_STRING, &options->value,
         "Which of their values, as in pprof's -sample_index: inuse_space, delay ...", "TYPE"},
        {"place", 0, 0, G_OPTION_ARG_STRING, &options->place,
         "Only functions whose names have a match", "REGEX"},
        {"cum", 0, 0, G_OPTION_ARG_NONE, &options->is_cumulative,
         "Count what a function calls as its own", NULL},
        {"top", 'n', 0, G_OPTION_ARG_INT, &options->top, "So many functions, and changes (10)",
         "N"},
        {"between", 0, 0, G_OPTION_ARG_STRING, &options->between,
         "Compare these two times: days, hours (the first and the last day)", "TIME,TIME"},
        {"fail-above", 0, 0, G_OPTION_ARG_STRING, &options->fail_above,
         "Exit with 1 if a function's share rose by more than so many percent of all", "N"},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format, "text (the default) or csv",
         "FORMAT"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "Draw it: .png, .svg or .pdf",
         "FILE"},
        {"width", 'w', 0, G_OPTION_ARG_INT, &options->width,
         "Columns of the text ($COLUMNS, the terminal's, or 100)", "COLUMNS"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->directories, NULL,
         "[DIR]"},
        {0},
    };
    static const struct ct_option_values values[] = {
        {"FORMAT", list_formats}, {"KIND", ct_profile_kind_rows}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    g_option_context_set_summary(
        context, "Tells how each function's share moved over profiles of a folder by time, what\n"
                 "changed most between two days, and what of that is proven.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse_values(context, entries, values, &arguments, error);
}

static gboolean parse_bound(struct options *options, GError **error)
{
    char *end = NULL;

    options->most_points = -1;
    if (!options->fail_above)
        return TRUE;
    options->most_points = g_ascii_strtod(options->fail_above, &end);
    if (end != options->fail_above && (*end == '\0' || g_str_equal(end, "%")) &&
        options->most_points >= 0 && options->most_points <= 100)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--fail-above=%s is no number of percent between 0 and 100", options->fail_above);
    return FALSE;
}

static gboolean parse_place(struct options *options, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (options->place)
        options->places = g_regex_new(options->place, 0, 0, &failure);
    if (!failure)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--place=%s: %s", options->place,
                failure->message);
    return FALSE;
}

static gboolean check_options(struct options *options, GError **error)
{
    const char *problem = NULL;

    if (options->is_version)
        return TRUE;
    if (options->directories && g_strv_length(options->directories) > 1)
        problem = "one folder of profiles is expected";
    else if (options->format && !g_strv_contains(formats, options->format))
        problem = "--format is text or csv; for a picture, name a file by -o";
    else if (options->top < 1 || options->top > TOP_MAX)
        problem = "--top is between 1 and 1000";
    else if (options->output && (options->format || options->fail_above))
        problem = "-o draws a picture: --format and --fail-above are for what is printed";
    if (problem) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
        return FALSE;
    }
    return ct_command_check_width(options->width, error) && parse_place(options, error) &&
           parse_bound(options, error) &&
           (!options->output || ct_surface_format_of(options->output, error));
}

/* ---- In a worker ---- */

struct job {
    const struct options *options;
    const char *directory;
};

static struct ct_trend *read_trend(const struct job *job, GError **error)
{
    const struct options *options = job->options;
    const struct ct_trend_question question = {.directory = job->directory,
                                               .kind = options->kind,
                                               .value = options->value,
                                               .place = options->places,
                                               .is_cumulative = options->is_cumulative};
    struct ct_trend *trend = ct_trend_new(&question, error);

    if (trend && trend->unread->len > 0) {
        g_autofree char *more = trend->unread->len > 1
                                    ? g_strdup_printf("; and %u more", trend->unread->len - 1)
                                    : g_strdup("");

        ct_say("left out: %s%s", (const char *)trend->unread->pdata[0], more);
    }
    return trend;
}

/* What the change of each function means for the bound. */
static int judge(const struct options *options, const struct ct_trend_changes *changes)
{
    int status = EXIT_SUCCESS;

    if (options->most_points < 0)
        return EXIT_SUCCESS;
    if (!changes)
        return EXIT_NOT_COMPARED;
    for (guint i = 0; i < changes->changes->len; i++) {
        const struct ct_trend_change *change =
            &g_array_index(changes->changes, struct ct_trend_change, i);
        double points = 100 * (change->new_share - change->old_share);

        if (points <= options->most_points)
            continue;
        ct_say("%s: %s rose by %.1f %% of all", change->is_proven ? "failed" : "not proven",
               change->place->name, points);
        status = change->is_proven || status == WORKER_ROSE ? WORKER_ROSE : WORKER_NOT_TOLD;
    }
    return status;
}

static int print_trend(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    const struct options *options = job->options;
    g_autoptr(GError) error = NULL;
    g_autoptr(ct_trend) trend = read_trend(job, &error);
    g_autoptr(ct_trend_changes) changes =
        trend ? ct_trend_changes_new(trend, options->between, &error) : NULL;

    (void)activity;
    if (error)
        ct_say("%s", error->message);
    /* Of one profile it can still be told what is in it. */
    if (!trend || (!changes && options->between))
        return EXIT_NOT_COMPARED;
    const struct ct_trend_print print = {.trend = trend,
                                         .changes = changes,
                                         .top = (guint)options->top,
                                         .width = options->width ? (guint)options->width
                                                                 : ct_command_width()};

    if (g_strcmp0(options->format, "csv") == 0)
        ct_trend_print_csv(&print, stdout);
    else
        ct_trend_print_text(&print, stdout);
    return judge(options, changes);
}

static int draw_trend(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    const struct options *options = job->options;
    g_autoptr(GError) error = NULL;
    g_autoptr(ct_trend) trend = read_trend(job, &error);

    (void)activity;
    if (trend) {
        const struct ct_trend_picture picture = {
            .trend = trend, .top = (guint)options->top, .width_px = PICTURE_WIDTH};
        g_autoptr(ct_typesetter) typesetter = ct_typesetter_new();
        g_autoptr(ct_scene) scene = ct_trend_scene_new(&picture);
        const struct ct_surface_look look = {typesetter, ct_palette_find(USUAL_THEME), 1};
        g_autoptr(GBytes) bytes =
            ct_surface_render(ct_surface_format_of(options->output, NULL), scene, &look, &error);

        if (bytes && ct_output_write_fd(STDOUT_FILENO, "the picture", bytes, &error))
            return EXIT_SUCCESS;
    }
    ct_say("%s", error->message);
    return EXIT_NOT_COMPARED;
}

static int status_of(int worker_status)
{
    switch (worker_status) {
    case EXIT_SUCCESS:
        return EXIT_SUCCESS;
    case WORKER_ROSE:
        return EXIT_ROSE;
    case WORKER_NOT_TOLD:
        return EXIT_NOT_TOLD;
    default:
        return EXIT_NOT_COMPARED;
    }
}

static int run(const struct options *options)
{
    struct job job = {options, options->directories ? options->directories[0] : USUAL_DIRECTORY};

    if (!options->output)
        return status_of(ct_worker_print(job.directory, "trend", print_trend, &job));
    ct_typesetter_find_fonts(); /* the worker could not keep what it finds for the next time */
    int status = ct_worker_save(job.directory, options->output, draw_trend, &job);

    ct_typesetter_forget_fonts();
    return status_of(status);
}

static void clear(struct options *options)
{
    g_strfreev(options->directories);
    g_free(options->kind);
    g_free(options->value);
    g_free(options->place);
    g_free(options->between);
    g_free(options->fail_above);
    g_free(options->format);
    g_free(options->output);
    if (options->places)
        g_regex_unref(options->places);
}

int main(int argc, char **argv)
{
    struct options options = {.top = USUAL_TOP};
    g_autoptr(GError) error = NULL;
    int status = EXIT_NOT_COMPARED;

    (void)argc;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    g_set_prgname("ctrace trend");
    if (!parse_options(&options, argv, &error) || !check_options(&options, &error)) {
        ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    clear(&options);
    return status;
}
