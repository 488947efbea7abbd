/* ctrace timeline: a recording as a picture. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "findings.h"
#include "hung_threads.h"
#include "idle_threads.h"
#include "model/capture_notes.h"
#include "model/life.h"
#include "paint/surface.h"
#include "paint/typesetter.h"
#include "passes/filter.h"
#include "path/path_steps.h"
#include "scene/layout.h"
#include "symbols/object_name.h"
#include "symbols/stack_text.h"
#include "timeline_options.h"
#include "view/html/html.h"

#include <locale.h>
#include <unistd.h>

/* How much a vector picture has. What is still too large then has fewer threads, again and again.
 */
static const struct detail {
    uint32_t box_limit;
    guint tip_limit;
} details[] = {
    {7000, 5000}, /* about 200 KB of SVG, and 800 KB of tips */
    {7000, 2000},
    {3500, 700},
    {1500, 200},
};

/* The recording and its reduction to the window. */
struct picture {
    ct_model *model;           /* owned */
    ct_timeline *timeline;     /* owned */
    ct_symbolizer *symbolizer; /* owned */
    GArray *path;              /* owned; struct ct_scene_path_step; NULL: it was not asked for */
    GArray *findings;          /* owned; struct ct_scene_finding; NULL: they were not asked for */
    GHashTable *idle;          /* owned; struct ct_thread * as a set: those that share a row */
    struct ct_window window;
    gboolean is_whole;
};

static void picture_clear(struct picture *picture)
{
    if (picture->path)
        g_array_unref(picture->path);
    if (picture->findings)
        g_array_unref(picture->findings);
    if (picture->idle)
        g_hash_table_unref(picture->idle);
    ct_timeline_free(picture->timeline);
    ct_symbolizer_free(picture->symbolizer);
    ct_model_free(picture->model);
}
typedef struct picture auto_picture; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(auto_picture, picture_clear)

/* What is asked, with the path. */
struct question {
    const struct ct_timeline_options *options;
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
                            struct ct_timeline_options *options, struct picture *picture,
                            GError **error)
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

static struct ct_selection select_path(const struct ct_timeline_options *options)
{
    struct ct_selection selection = options->scope.selection;

    if (options->request.typed)
        selection.threads = (const char *const *)options->request.threads;
    return selection;
}

/* Those on the path, or that findings are about, are shown, whatever they did. */
static gboolean is_told_of(const struct picture *picture, const struct ct_thread *thread)
{
    for (guint i = 0; picture->path && i < picture->path->len; i++)
        if (g_array_index(picture->path, struct ct_scene_path_step, i).thread == thread)
            return TRUE;
    for (guint i = 0; picture->findings && i < picture->findings->len; i++) {
        const GArray *tids = g_array_index(picture->findings, struct ct_scene_finding, i).tids;

        for (guint j = 0; j < tids->len; j++)
            if (g_array_index(tids, int32_t, j) == thread->tid)
                return TRUE;
    }
    return FALSE;
}

static gboolean is_shown(void *thread, void *value, void *user)
{
    (void)value;
    return is_told_of(user, thread);
}

static gboolean find_idle(const char *directory, struct ct_activity *activity,
                          struct picture *picture, struct ct_idle *idle, GError **error)
{
    picture->idle = ct_idle_threads_find(picture->model, picture->timeline, &picture->window, idle);
    g_hash_table_foreach_remove(picture->idle, is_shown, picture);
    return ct_hung_threads_remove(directory, activity, picture->timeline, picture->idle, error);
}

static gboolean load(const char *directory, struct ct_activity *activity,
                     struct ct_timeline_options *options, struct picture *picture, GError **error)
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
    return options->threads || options->scope.threads ||
           find_idle(directory, activity, picture, idle, error);
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

/* All that it takes to draw. */
struct drawing {
    const struct ct_surface_format *format;
    struct ct_scene_request request;
    struct ct_surface_look look;
};

static GBytes *render_once(const struct drawing *drawing, GError **error)
{
    g_autoptr(ct_scene) scene = ct_layout_build(&drawing->request, error);

    return scene ? ct_surface_render(drawing->format, scene, &drawing->look, error) : NULL;
}

/* With as much as fits into the most that a file of this format may have. */
static GBytes *render(struct drawing *drawing, GError **error)
{
    struct ct_scene_request *request = &drawing->request;
    int rows = MIN(request->filter.row_limit, (int)request->model->threads->len);

    for (guint i = 0; drawing->format->most_bytes > 0; i++) {
        const struct detail *detail = &details[MIN(i, G_N_ELEMENTS(details) - 1)];

        request->box_limit = detail->box_limit;
        request->tip_limit = detail->tip_limit;
        if (i >= G_N_ELEMENTS(details))
            request->filter.row_limit = rows = rows / 2;
        g_autoptr(GBytes) bytes = render_once(drawing, error);
        if (!bytes || g_bytes_get_size(bytes) <= drawing->format->most_bytes || rows <= 1)
            return g_steal_pointer(&bytes);
    }
    request->box_limit = drawing->format->is_raster ? 0 : details[0].box_limit;
    return render_once(drawing, error);
}

static gboolean draw(const struct picture *picture, const struct ct_timeline_options *options,
                     const struct ct_surface_format *format, GError **error)
{
    g_autoptr(ct_typesetter) typesetter = ct_typesetter_new();
    g_autofree char *only = ct_selection_describe_waits(&options->scope.selection);
    const struct ct_scene_names names = {find_variable, find_frames, picture->symbolizer};
    struct drawing drawing = {
        .format = format,
        .look = {typesetter, options->palette, options->scale},
    };

    drawing.request = (struct ct_scene_request){
        .model = picture->model,
        .timeline = picture->timeline,
        .window = picture->window,
        .is_whole = picture->is_whole,
        .only = only,
        .filter = {options->choice.row_limit, (const char *const *)options->choice.globs,
                   (const char *const *)options->scope.processes},
        .sort = options->sort,
        .idle = picture->idle,
        .has_overview = !options->has_no_overview,
        .width_px = options->width_px,
        .height_limit_px = format->limit_px / (format->is_raster ? options->scale : 1),
        .measure = ct_typesetter_measure,
        .measure_user = typesetter,
        .names = &names,
        .has_cpu_lanes = !options->has_no_cpu_lanes,
        .findings = picture->findings,
        .path = picture->path,
        .has_tips = format->has_tips,
        .has_patterns = options->has_patterns,
    };
    g_autoptr(GBytes) bytes = render(&drawing, error);

    ct_symbolizer_keep(picture->symbolizer);
    return bytes && ct_output_write_fd(STDOUT_FILENO, "the picture", bytes, error);
}

/* What the worker is to do. */
struct job {
    const char *directory;
    struct ct_timeline_options *options;
    const struct ct_surface_format *format;
    GBytes *report; /* borrowed; that tells of findings; NULL: they were not asked for */
};

static gboolean read_findings(const struct job *job, struct picture *picture, GError **error)
{
    if (job->report)
        picture->findings = ct_timeline_findings_read(job->report, error);
    return !job->report || picture->findings;
}

static int make_picture(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    g_auto(auto_picture) picture = {0};
    g_autoptr(GError) error = NULL;
    if (read_findings(job, &picture, &error) &&
        load(job->directory, activity, job->options, &picture, &error) &&
        draw(&picture, job->options, job->format, &error))
        return 0;
    ct_say("%s", error->message);
    return 1;
}

static int draw_in_worker(struct job *job)
{
    ct_typesetter_find_fonts(); /* the worker could not keep what it finds for the next time */
    int status = ct_worker_save(job->directory, job->options->output, make_picture, job);

    ct_typesetter_forget_fonts();
    return status;
}

static int run(struct ct_timeline_options *options)
{
    struct job job = {
        .directory = ct_command_directory(options->directories, NULL),
        .options = options,
        .format = ct_surface_format_of(options->output, NULL),
    };

    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) report =
        options->has_findings ? ct_timeline_findings_ask(job.directory, &options->scope, &error)
                              : NULL;

    if (error) {
        ct_say("%s", error->message);
        return 1;
    }
    job.report = report;
    return draw_in_worker(&job);
}

static int write_html(const struct ct_timeline_options *options)
{
    const struct ct_html_request request = {
        .directory = ct_command_directory(options->directories, NULL),
        .output = options->output,
        .scope = &options->scope,
        .max_bytes = options->max_bytes,
    };

    return ct_html_write(&request);
}

int main(int argc, char **argv)
{
    (void)argc;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace timeline");
    g_auto(auto_timeline_options) options = CT_TIMELINE_OPTIONS_INIT;
    g_autoptr(GError) error = NULL;
    if (!ct_timeline_options_parse(&options, argv, &error))
        return ct_say_usage(error);
    if (options.is_version)
        return ct_command_print_version();
    if (!ct_timeline_options_check(&options, &error))
        return ct_say_usage(error);
    return ct_html_is_name(options.output) ? write_html(&options) : run(&options);
}
