/*
 * write_scene [--sort=ORDER] [--threads=N] --format=scene TRACE: where everything is in the picture
 * of a recording, as text. Every letter is as wide as every other, so that no font has a say.
 */
#include "cli/recording.h"
#include "idle_threads.h"
#include "model/life.h"
#include "scene/layout.h"

#include <inttypes.h>
#include <stdio.h>

static double measure(void *user, enum ct_scene_style style, const char *text)
{
    (void)user;
    return (style == CT_STYLE_TITLE ? 9 : 6) * (double)g_utf8_strlen(text, -1);
}

static void write_rows(const struct ct_scene *scene)
{
    for (guint i = 0; i < scene->rows->len; i++) {
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, i);

        printf("row %u y %g height %g", i, row->y_px, row->height_px);
        if (row->thread)
            printf(" thread %" PRId32, row->thread->tid);
        else if (row->process)
            printf(" process %" PRId32, row->process->pid);
        printf("%s%s%s\n", row->is_cpu ? " cpu" : "", row->is_idle ? " idle" : "",
               row->has_losses ? " losses" : "");
    }
}

static void write_boxes(const char *what, const GArray *boxes)
{
    for (guint i = 0; i < boxes->len; i++) {
        const struct ct_scene_box *box = &g_array_index(boxes, struct ct_scene_box, i);

        printf("%s row %d %s x %g y %g width %g height %g\n", what, box->row,
               ct_class_name(box->class), box->x_px, box->y_px, box->width_px, box->height_px);
    }
}

static void write_rectangle(const char *what, const struct ct_scene_rectangle *area)
{
    printf("%s x %g y %g width %g height %g\n", what, area->x_px, area->y_px, area->width_px,
           area->height_px);
}

static void write_lines(const struct ct_scene *scene)
{
    for (guint i = 0; i < scene->open_ends->len; i++)
        write_rectangle("open end", &g_array_index(scene->open_ends, struct ct_scene_rectangle, i));
    for (guint i = 0; i < scene->arrows->len; i++) {
        const struct ct_scene_arrow *arrow =
            &g_array_index(scene->arrows, struct ct_scene_arrow, i);

        printf("arrow row %d x %.2f to row %d x %.2f\n", arrow->from_row, arrow->from_x_px,
               arrow->to_row, arrow->to_x_px);
    }
    for (guint i = 0; i < scene->ticks->len; i++) {
        const struct ct_scene_tick *tick = &g_array_index(scene->ticks, struct ct_scene_tick, i);

        printf("tick %" PRIu64 " ns x %.2f\n", tick->time_ns, tick->x_px);
    }
}

static void write_texts(const struct ct_scene *scene)
{
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *text = &g_array_index(scene->texts, struct ct_scene_text, i);

        printf("text style %d x %.2f y %.2f width %.2f: %s\n", text->style, text->x_px,
               text->centre_y_px, text->width_px, text->text);
    }
    for (guint i = 0; i < scene->tips->len; i++) {
        const struct ct_scene_tip *tip = &g_array_index(scene->tips, struct ct_scene_tip, i);
        g_autofree char *text = g_strescape(tip->text, NULL);

        write_rectangle("tip", &tip->area);
        printf("    %s\n", text);
    }
}

static void write_scene(const struct ct_scene *scene)
{
    printf("size %g x %g\n", scene->width_px, scene->height_px);
    write_rectangle("plot", &scene->plot);
    write_rectangle("overview", &scene->overview);
    write_rows(scene);
    write_boxes("chart", scene->overview_boxes);
    write_boxes("box", scene->boxes);
    write_lines(scene);
    write_texts(scene);
}

/* What there is of the command line. */
static int sort = CT_SCENE_SORT_START;
static int row_limit = CT_SCENE_DEFAULT_ROWS;

static gboolean draw(const char *directory, GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_timeline) timeline = ct_timeline_new(NULL);
    const struct ct_sink sink = ct_timeline_sink(timeline);

    if (!ct_recording_read(directory, NULL, model, NULL, &sink, error))
        return FALSE;
    ct_timeline_finish(timeline);
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    g_autoptr(ct_idle) idle = ct_idle_new(model, symbolizer);
    struct ct_scene_request request = {
        .model = model,
        .timeline = timeline,
        .window = ct_lives_extent(model),
        .is_whole = TRUE,
        .filter = {.row_limit = row_limit},
        .sort = (enum ct_scene_sort)sort,
        .has_overview = TRUE,
        .width_px = 800,
        .measure = measure,
        .has_tips = TRUE,
        .has_cpu_lanes = TRUE,
    };
    g_autoptr(GHashTable) idle_threads =
        ct_idle_threads_find(model, timeline, &request.window, idle);

    request.idle = idle_threads;
    g_autoptr(ct_scene) scene = ct_layout_build(&request, error);

    if (scene)
        write_scene(scene);
    return scene != NULL;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *format = NULL;
    const GOptionEntry entries[] = {
        {"format", 0, 0, G_OPTION_ARG_STRING, &format, NULL, NULL},
        {"sort", 0, 0, G_OPTION_ARG_INT, &sort, "As enum ct_scene_sort", NULL},
        {"threads", 0, 0, G_OPTION_ARG_INT, &row_limit, NULL, NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("TRACE");

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2 ||
        !draw(argv[1], &error)) {
        g_printerr("%s\n", error ? error->message : "one trace is needed");
        return 1;
    }
    return 0;
}
