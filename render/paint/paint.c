#include "paint/paint.h"

#include "paint/canvas.h"
#include "paint/tiles.h"

#include <math.h>

static const double hatch_step_px = 6;

static void draw_paper(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    ct_canvas_use(canvas, CT_SHADE_PAPER, 1);
    cairo_rectangle(cairo, 0, 0, scene->width_px, scene->height_px);
    cairo_fill(cairo);
}

static void draw_rows(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    double left_px = 16, width_px = scene->width_px - 2 * left_px;
    for (guint i = 0; i < scene->rows->len; i++) {
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, i);
        if (!row->thread && !row->is_cpu) {
            ct_canvas_use(canvas, CT_SHADE_PROCESS_BAND, 1);
            cairo_rectangle(cairo, left_px, row->y_px, width_px, row->height_px);
            cairo_fill(cairo);
        } else if (row->height_px >= 10) {
            ct_canvas_use(canvas, CT_SHADE_ROW_LINE, 1);
            cairo_rectangle(cairo, left_px, row->y_px + row->height_px - 1, width_px, 1);
            cairo_fill(cairo);
        }
    }
}

/* Process headers are bands across the plot; the grid residencies out of them. */
static void draw_grid(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    ct_canvas_use(canvas, CT_SHADE_GRID, 1);
    for (guint i = 0; i < scene->ticks->len; i++) {
        double x_px = floor(g_array_index(scene->ticks, struct ct_scene_tick, i).x_px);
        cairo_rectangle(cairo, x_px, scene->plot.y_px - 5, 1, 5);
        if (scene->overview.height_px > 0)
            cairo_rectangle(cairo, x_px, scene->overview.y_px, 1, scene->overview.height_px);
        for (guint j = 0; j < scene->rows->len; j++) {
            const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, j);
            if (row->thread || row->is_cpu)
                cairo_rectangle(cairo, x_px, row->y_px, 1, row->height_px);
        }
    }
    cairo_fill(cairo);
}

/* Ends a silhouette: down to the bar's bottom, and back along it. */
static void close_silhouette(cairo_t *cairo, double begin_px, double end_px, double top_px,
                             double bottom_px)
{
    if (end_px <= begin_px)
        return;
    cairo_line_to(cairo, end_px, top_px);
    cairo_line_to(cairo, end_px, bottom_px);
    cairo_line_to(cairo, begin_px, bottom_px);
    cairo_close_path(cairo);
}

/*
 * The boxes of one row and class, and all that is stacked below them, as silhouettes. What is
 * below is painted over later, and a path of steps is half as long as one of rectangles, which
 * counts in the vector formats.
 */
static void trace_class(cairo_t *cairo, const struct ct_scene_box *boxes, guint count,
                        enum ct_class class, double bottom_px)
{
    double begin_px = 0, end_px = -1, top_px = 0;
    for (guint i = 0; i < count; i++) {
        const struct ct_scene_box *box = &boxes[i];
        if (box->class != class)
            continue;
        if (box->x_px != end_px) {
            close_silhouette(cairo, begin_px, end_px, top_px, bottom_px);
            begin_px = box->x_px;
            cairo_move_to(cairo, box->x_px, box->y_px);
        } else if (box->y_px != top_px) {
            cairo_line_to(cairo, box->x_px, top_px);
            cairo_line_to(cairo, box->x_px, box->y_px);
        }
        top_px = box->y_px;
        end_px = box->x_px + box->width_px;
    }
    close_silhouette(cairo, begin_px, end_px, top_px, bottom_px);
}

/* A class's pattern lies on its colour, and goes with it where others are painted over it. */
static void fill_class(const struct ct_canvas *canvas, enum ct_class class, cairo_pattern_t *tile)
{
    cairo_t *cairo = canvas->cairo;

    ct_palette_use(cairo, canvas->palette->classes[class].fill, 1);
    cairo_fill_preserve(cairo);
    if (tile && cairo_has_current_point(cairo)) {
        cairo_set_source(cairo, tile);
        cairo_fill_preserve(cairo);
    }
    cairo_new_path(cairo);
}

/* Where waits are lost, it is not known that a thread ran: that is hatched as what is unknown. */
static cairo_pattern_t *tile_of(const struct ct_canvas *canvas, enum ct_class class,
                                gboolean has_losses)
{
    return canvas->tiles[has_losses && class == CT_CLASS_RUNNING ? CT_CLASS_UNKNOWN : class];
}

/* Boxes of one bar, or of one chart. */
static void fill_boxes(const struct ct_canvas *canvas, const struct ct_scene_box *boxes,
                       guint count, double bottom_px)
{
    int row = count > 0 ? boxes[0].row : -1;
    gboolean has_losses =
        row >= 0 && g_array_index(canvas->scene->rows, struct ct_scene_row, row).has_losses;

    for (int i = CT_CLASS_COUNT - 1; i >= 0; i--) {
        enum ct_class class = ct_scene_stacking[i];

        trace_class(canvas->cairo, boxes, count, class, bottom_px);
        fill_class(canvas, class, tile_of(canvas, class, has_losses));
    }
}

static void draw_boxes(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    const struct ct_scene_box *boxes = (const struct ct_scene_box *)scene->boxes->data;
    for (guint begin = 0, end; begin < scene->boxes->len; begin = end) {
        end = begin;
        while (end < scene->boxes->len && boxes[end].row == boxes[begin].row)
            end++;
        const struct ct_scene_row *row =
            &g_array_index(scene->rows, struct ct_scene_row, boxes[begin].row);
        fill_boxes(canvas, boxes + begin, end - begin, row->bar_y_px + row->bar_height_px);
    }
}

/* Boxes are by when they end; those of one class, by time. */
static void draw_overview(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    const struct ct_scene_rectangle *area = &scene->overview;

    if (area->height_px > 0)
        fill_boxes(canvas, (const struct ct_scene_box *)scene->overview_boxes->data,
                   scene->overview_boxes->len, area->y_px + area->height_px);
}

static void draw_runs(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    for (guint tint = 0; tint <= CT_SCENE_RUN_TINTS; tint++) {
        for (guint i = 0; i < scene->runs->len; i++) {
            const struct ct_scene_run *run = &g_array_index(scene->runs, struct ct_scene_run, i);
            if (run->tint == tint)
                cairo_rectangle(cairo, run->x_px, run->y_px, run->width_px, run->height_px);
        }
        ct_palette_use(cairo, canvas->palette->runs[tint], 1);
        cairo_fill(cairo);
    }
}

static void draw_residencies(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    for (guint tint = 0; tint <= CT_SCENE_CPU_TINTS && scene->residencies->len > 0; tint++) {
        for (guint i = 0; i < scene->residencies->len; i++) {
            const struct ct_scene_residency *residency =
                &g_array_index(scene->residencies, struct ct_scene_residency, i);
            if (residency->tint == tint)
                cairo_rectangle(cairo, residency->x_px, residency->y_px, residency->width_px,
                                residency->height_px);
        }
        ct_palette_use(cairo, canvas->palette->cpus[tint].fill, 1);
        cairo_fill(cairo);
    }
}

/* Waits that follow one another at once are still several. */
static void draw_separators(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    const struct ct_scene_box *boxes = (const struct ct_scene_box *)scene->boxes->data;
    const double least_width_px = 6;
    for (guint i = 1; i < scene->boxes->len; i++) {
        const struct ct_scene_box *before = &boxes[i - 1], *box = &boxes[i];
        if (box->wait && before->wait && box->row == before->row &&
            before->x_px + before->width_px == box->x_px && box->width_px >= least_width_px &&
            before->width_px >= least_width_px)
            cairo_rectangle(cairo, box->x_px, box->y_px, 1, box->height_px);
    }
    ct_canvas_use(canvas, CT_SHADE_PAPER, 0.55);
    cairo_fill(cairo);
}

static void hatch(const struct ct_canvas *canvas, const struct ct_scene_rectangle *area)
{
    cairo_t *cairo = canvas->cairo;

    cairo_save(cairo);
    cairo_rectangle(cairo, area->x_px, area->y_px, area->width_px, area->height_px);
    cairo_clip(cairo);
    /* On a common raster, so that neighbouring rows match. */
    double from_px = floor((area->x_px - area->height_px) / hatch_step_px) * hatch_step_px;
    for (double x_px = from_px; x_px < area->x_px + area->width_px; x_px += hatch_step_px) {
        cairo_move_to(cairo, x_px, area->y_px + area->height_px);
        cairo_rel_line_to(cairo, area->height_px, -area->height_px);
    }
    cairo_set_line_width(cairo, 1.6);
    ct_canvas_use(canvas, CT_SHADE_PAPER, 0.5);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void draw_open_waits(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;

    for (guint i = 0; i < scene->open_ends->len; i++)
        hatch(canvas, &g_array_index(scene->open_ends, struct ct_scene_rectangle, i));
}

/* Those of badges lie on them. */
static void draw_texts(const struct ct_canvas *canvas, struct ct_typesetter *typesetter,
                       gboolean is_of_badges)
{
    for (guint i = 0; i < canvas->scene->texts->len; i++) {
        const struct ct_scene_text *text =
            &g_array_index(canvas->scene->texts, struct ct_scene_text, i);

        if ((text->style == CT_STYLE_BADGE) == is_of_badges)
            ct_typesetter_draw(typesetter, canvas->cairo, canvas->palette, text);
    }
}

static void draw_legend(const struct ct_canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    for (guint i = 0; i < scene->legend->len; i++) {
        const struct ct_scene_legend_item *item =
            &g_array_index(scene->legend, struct ct_scene_legend_item, i);
        if (item->is_arrow_sample) {
            double y_px = item->y_px + item->height_px / 2;
            struct ct_scene_arrow sample = {.from_x_px = item->x_px + 2,
                                            .from_y_px = y_px,
                                            .to_x_px = item->x_px + item->width_px,
                                            .to_y_px = y_px};
            ct_canvas_draw_arrows(canvas, &sample, 1);
            continue;
        }
        if (item->is_path_sample) {
            const struct ct_scene_path_line sample = {.begin_x_px = item->x_px,
                                                      .end_x_px = item->x_px + item->width_px,
                                                      .y_px = item->y_px + item->height_px / 2};
            ct_canvas_draw_path(canvas, &sample, 1);
            continue;
        }
        struct ct_scene_rectangle swatch = {item->x_px, item->y_px, item->width_px,
                                            item->height_px};
        cairo_rectangle(cairo, swatch.x_px, swatch.y_px, swatch.width_px, swatch.height_px);
        if (item->is_cpu_sample) {
            ct_palette_use(cairo, canvas->palette->cpus[item->cpu_tint].fill, 1);
            cairo_fill(cairo);
        } else if (item->is_open_sample) {
            ct_palette_use(cairo, canvas->palette->classes[CT_CLASS_UNKNOWN].fill, 1);
            cairo_fill(cairo);
            hatch(canvas, &swatch);
        } else {
            enum ct_class class = item->is_lost_sample ? CT_CLASS_RUNNING : item->class;
            fill_class(canvas, class, tile_of(canvas, class, item->is_lost_sample));
        }
    }
}

/* What is drawn on may refer to it until that is finished. */
static cairo_pattern_t *keep_tile(const struct ct_canvas *canvas, enum ct_class class)
{
    static const cairo_user_data_key_t keys[CT_CLASS_COUNT];
    cairo_pattern_t *tile = ct_tile_new(class, canvas->palette->shades[CT_SHADE_PAPER]);

    if (!tile || cairo_surface_set_user_data(cairo_get_target(canvas->cairo), &keys[class], tile,
                                             (cairo_destroy_func_t)cairo_pattern_destroy) ==
                     CAIRO_STATUS_SUCCESS)
        return tile;
    cairo_pattern_destroy(tile);
    return NULL;
}

void ct_paint_scene(cairo_t *cairo, const struct ct_scene *scene, const struct ct_palette *palette,
                    struct ct_typesetter *typesetter)
{
    struct ct_canvas canvas = {.cairo = cairo, .scene = scene, .palette = palette};

    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        if (scene->has_patterns || class == CT_CLASS_UNKNOWN)
            canvas.tiles[class] = keep_tile(&canvas, class);
    draw_paper(&canvas);
    draw_rows(&canvas);
    draw_grid(&canvas);
    draw_overview(&canvas);
    draw_boxes(&canvas);
    draw_runs(&canvas);
    draw_residencies(&canvas);
    draw_separators(&canvas);
    draw_open_waits(&canvas);
    draw_texts(&canvas, typesetter, FALSE);
    draw_legend(&canvas);
    ct_canvas_draw_arrows(&canvas, (const struct ct_scene_arrow *)scene->arrows->data,
                          scene->arrows->len);
    ct_canvas_draw_path(&canvas, (const struct ct_scene_path_line *)scene->path->data,
                        scene->path->len);
    ct_canvas_draw_marks(&canvas);
    draw_texts(&canvas, typesetter, TRUE);
}
