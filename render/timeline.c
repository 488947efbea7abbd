/* ctrace timeline: a recording as a picture. */
#include "cli/asked_request.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "model/capture_notes.h"
#include "model/life.h"
#include "options/parse.h"
#include "paint/surface.h"
#include "paint/typesetter.h"
#include "passes/filter.h"
#include "path_steps.h"
#include "scene/layout.h"
#include "symbols/object_name.h"
#include "symbols/stack_text.h"

#include <locale.h>
#include <string.h>
#include <unistd.h>

enum {
    LEAST_WIDTH_PX = 480,
    MOST_WIDTH_PX = 32000,
    VECTOR_BOX_LIMIT = 7000, /* about 200 KB of SVG, without its tips */
};

struct options {
    char *output; /* owned, as are the next two */
    char *threads;
    char **directories;
    struct ct_scope scope;
    struct ct_asked_request request;
    int width_px;
    double scale;
    gboolean has_no_cpu_lanes;
    gboolean has_path;
    gboolean is_version;
};

static void options_clear(struct options *options)
{
    g_free(options->output);
    g_free(options->threads);
    ct_scope_clear(&options->scope);
    ct_asked_request_clear(&options->request);
    g_strfreev(options->directories);
}
typedef struct options auto_options; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(auto_options, options_clear)

static const char description[] =
    CT_SCOPE_HELP "\n"
                  "\n"
                  "Examples:\n"
                  "  ctrace timeline -o all.svg\n"
                  "  ctrace timeline -o detail.png --from=1.2s --to=1.25s --threads='worker*'";

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(argv);
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
         "Picture to write; .png, .svg or .pdf", "FILE"},
        {"threads", 0, 0, G_OPTION_ARG_STRING, &options->threads,
         "The N busiest threads (default 64), all, or those whose name or id matches",
         "N|all|GLOB,..."},
        {"width", 0, 0, G_OPTION_ARG_INT, &options->width_px, "Width of the picture (default 1600)",
         "PX"},
        {"no-cpu-lanes", 0, 0, G_OPTION_ARG_NONE, &options->has_no_cpu_lanes,
         "Leave out on which CPU each thread ran", NULL},
        {"path", 0, 0, G_OPTION_ARG_NONE, &options->has_path,
         "Draw what the end depended on, moment by moment: the critical path", NULL},
        {"scale", 0, 0, G_OPTION_ARG_DOUBLE, &options->scale,
         "Dots per pixel of a PNG (default 1; 2 for fine screens)", "FACTOR"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Show the version", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->directories, NULL,
         "[DIR]"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, "Draws what every thread of a recording waited for.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    ct_asked_request_add_option(&options->request, context);
    ct_scope_add_options(&options->scope, context);
    return ct_options_parse(context, entries, &arguments, error);
}

/* What --threads says: a count, "all", or names. */
struct thread_choice {
    int row_limit;
    char **globs; /* owned; NULL: all */
};

static void thread_choice_clear(struct thread_choice *choice)
{
    g_strfreev(choice->globs);
}
typedef struct thread_choice auto_thread_choice; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(auto_thread_choice, thread_choice_clear)

static gboolean parse_threads(const char *text, struct thread_choice *choice, GError **error)
{
    *choice = (struct thread_choice){.row_limit = CT_SCENE_DEFAULT_ROWS};
    if (!text)
        return TRUE;
    guint64 count;
    if (strspn(text, "0123456789") == strlen(text)) {
        if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT, &count, NULL)) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--threads=%s: a number of threads is at least 1", text);
            return FALSE;
        }
        choice->row_limit = count;
        return TRUE;
    }
    choice->row_limit = CT_SCENE_ALL_ROWS;
    if (!g_str_equal(text, "all"))
        choice->globs = g_strsplit(text, ",", -1);
    return TRUE;
}

/* As the other commands say it: all that have these names, unless there is a count. */
static void add_names(struct thread_choice *choice, char **names, gboolean has_count)
{
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();

    if (!names)
        return;
    if (!has_count)
        choice->row_limit = CT_SCENE_ALL_ROWS;
    if (choice->globs)
        g_strv_builder_addv(all, (const char **)choice->globs);
    g_strv_builder_addv(all, (const char **)names);
    g_strfreev(choice->globs);
    choice->globs = g_strv_builder_end(all);
}

/* What can be wrong with the command line whatever the recording is. */
static gboolean check_options(struct options *options, struct thread_choice *choice, GError **error)
{
    const char *problem = NULL;
    if (!options->output)
        problem = "say where to draw: -o FILE.svg (or .png, .pdf)";
    else if (options->width_px < LEAST_WIDTH_PX || options->width_px > MOST_WIDTH_PX)
        problem = "--width must be between 480 and 32000 pixels";
    else if (!(options->scale >= 0.25 && options->scale <= 8))
        problem = "--scale must be between 0.25 and 8";
    if (problem) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
        return FALSE;
    }
    if (!ct_command_directory(options->directories, error) ||
        !ct_surface_format_of(options->output, error) ||
        !parse_threads(options->threads, choice, error) ||
        !ct_scope_check(&options->scope, error) ||
        !ct_asked_request_check(&options->request, options->has_path, "ctrace timeline --path",
                                error))
        return FALSE;
    add_names(choice, options->scope.threads, options->threads != NULL);
    return TRUE;
}

/* The recording and its reduction to the window. */
struct picture {
    ct_model *model;           /* owned */
    ct_timeline *timeline;     /* owned */
    ct_symbolizer *symbolizer; /* owned */
    GArray *path;              /* owned; struct ct_scene_path_step; NULL: it was not asked for */
    struct ct_window window;
    gboolean is_whole;
};

static void picture_clear(struct picture *picture)
{
    if (picture->path)
        g_array_unref(picture->path);
    ct_timeline_free(picture->timeline);
    ct_symbolizer_free(picture->symbolizer);
    ct_model_free(picture->model);
}
typedef struct picture auto_picture; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(auto_picture, picture_clear)

/* What is asked, with the path. */
struct question {
    const struct options *options;
    struct picture *picture;
    const struct ct_store_scope *scope;
    const struct ct_sink *sink;
    struct ct_selection path_of; /* whose path is drawn */
};

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    const struct question *question = user;
    struct picture *picture = question->picture;
    struct ct_path_question path = {.store = store, .model = picture->model};

    if (!ct_store_replay(store, question->scope, question->sink, error) ||
        !ct_path_choose(&path, &question->path_of, question->scope->window, error))
        return FALSE;
    picture->path = ct_path_steps_find(&path, (guint)question->options->width_px, error);
    return picture->path != NULL;
}

/* A request has its own time. */
static gboolean find_window(const char *directory, struct ct_activity *activity,
                            struct options *options, struct picture *picture, GError **error)
{
    const struct ct_scope *scope = &options->scope;

    picture->is_whole = ct_scope_is_whole_time(scope) && !options->request.typed;
    if (picture->is_whole)
        return TRUE;
    if (!options->request.typed)
        return ct_recording_find_window(directory, activity, scope, &picture->window, error);
    gboolean is_found = ct_asked_request_find(&options->request, directory, activity, scope, error);

    picture->window = options->request.window;
    return is_found;
}

static struct ct_selection select_path(const struct options *options)
{
    struct ct_selection selection = options->scope.selection;

    if (options->request.typed)
        selection.threads = (const char *const *)options->request.threads;
    return selection;
}

static gboolean load(const char *directory, struct ct_activity *activity, struct options *options,
                     struct picture *picture, GError **error)
{
    if (!find_window(directory, activity, options, picture, error))
        return FALSE;
    picture->model = ct_model_new();
    picture->timeline = ct_timeline_new(picture->is_whole ? NULL : &picture->window);
    const struct ct_sink sink = ct_timeline_sink(picture->timeline);
    picture->symbolizer = ct_symbolizer_new(picture->model);
    g_autoptr(ct_idle) idle = ct_idle_new(picture->model, picture->symbolizer);
    g_autoptr(ct_filter) filter =
        ct_filter_new(&options->scope.selection, picture->symbolizer, idle);
    const struct ct_store_scope scope = {.window = picture->is_whole ? NULL : &picture->window,
                                         .filter = ct_filter_of_intervals(filter)};
    struct question question = {options, picture, &scope, &sink, select_path(options)};
    if (options->has_path
            ? !ct_recording_ask(directory, activity, picture->model, ask, &question, error)
            : !ct_recording_read(directory, activity, picture->model, &scope, &sink, error))
        return FALSE;
    ct_timeline_finish(picture->timeline);
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&picture->model->capture);
    g_autoptr(GPtrArray) unmatched = ct_filter_complaints(filter);
    ct_say_all(complaints);
    ct_say_all(unmatched);
    if (picture->is_whole)
        picture->window = ct_lives_extent(picture->model);
    return TRUE;
}

static const char *find_variable(void *user, const struct ct_process *process,
                                 const struct ct_timeline_wait *wait)
{
    return ct_object_find_name(user, process, ct_op_object(wait->op), wait->object,
                               ct_process_stack_time(process, wait->stack_id));
}

static GPtrArray *find_frames(void *user, const struct ct_process *process, uint32_t stack_id)
{
    return ct_stack_frames_shown(user, process, stack_id);
}

static gboolean draw(const struct picture *picture, const struct options *options,
                     const struct thread_choice *choice, const struct ct_surface_format *format,
                     GError **error)
{
    g_autoptr(ct_typesetter) typesetter = ct_typesetter_new();
    g_autofree char *only = ct_selection_describe_waits(&options->scope.selection);
    const struct ct_scene_names names = {find_variable, find_frames, picture->symbolizer};
    struct ct_scene_request request = {
        .model = picture->model,
        .timeline = picture->timeline,
        .window = picture->window,
        .is_whole = picture->is_whole,
        .only = only,
        .filter = {choice->row_limit, (const char *const *)choice->globs,
                   (const char *const *)options->scope.processes},
        .width_px = options->width_px,
        .height_limit_px = format->limit_px / (format->is_raster ? options->scale : 1),
        .box_limit = format->is_raster ? 0 : VECTOR_BOX_LIMIT,
        .measure = ct_typesetter_measure,
        .measure_user = typesetter,
        .names = &names,
        .has_cpu_lanes = !options->has_no_cpu_lanes,
        .path = picture->path,
        .has_tips = format->has_tips,
    };
    g_autoptr(ct_scene) scene = ct_layout_build(&request, error);
    if (!scene)
        return FALSE;
    ct_symbolizer_keep(picture->symbolizer);
    g_autoptr(GBytes) bytes = ct_surface_render(format, scene, typesetter, options->scale, error);
    return bytes && ct_output_write_fd(STDOUT_FILENO, "the picture", bytes, error);
}

/* What the worker is to do. */
struct job {
    const char *directory;
    struct options *options;
    const struct thread_choice *choice;
    const struct ct_surface_format *format;
};

static int make_picture(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    g_auto(auto_picture) picture = {0};
    g_autoptr(GError) error = NULL;
    if (load(job->directory, activity, job->options, &picture, &error) &&
        draw(&picture, job->options, job->choice, job->format, &error))
        return 0;
    ct_say("%s", error->message);
    return 1;
}

static int run(struct options *options, const struct thread_choice *choice)
{
    struct job job = {
        .directory = ct_command_directory(options->directories, NULL),
        .options = options,
        .choice = choice,
        .format = ct_surface_format_of(options->output, NULL),
    };

    ct_typesetter_find_fonts(); /* the worker could not keep what it finds for the next time */
    int status = ct_worker_save(job.directory, options->output, make_picture, &job);

    ct_typesetter_forget_fonts();
    return status;
}

int main(int argc, char **argv)
{
    (void)argc;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace timeline");
    g_auto(auto_options) options = {.width_px = 1600, .scale = 1};
    g_auto(auto_thread_choice) choice = {0};
    g_autoptr(GError) error = NULL;
    if (!parse_options(&options, argv, &error))
        return ct_say_usage(error);
    if (options.is_version)
        return ct_command_print_version();
    if (!check_options(&options, &choice, &error))
        return ct_say_usage(error);
    return run(&options, &choice);
}
