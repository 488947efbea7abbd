#include "paint/paint.h"

#include "paint/tiles.h"

#include <math.h>

static const double arrow_line_px = 1.1;
static const double arrow_halo_px = 3;
static const double arrow_head_px = 5.5;
static const double arrow_head_half_px = 3;
static const double arrow_dot_px = 4.2;
static const double path_line_px = 3;
static const double path_joint_px = 1.2;
static const double path_halo_px = 4;
static const double hatch_step_px = 6;

/* What is drawn, where, and how. */
struct canvas {
    cairo_t *cairo; /* borrowed, as are the next two */
    const struct ct_scene *scene;
    const struct ct_palette *palette;
    cairo_pattern_t *tiles[CT_CLASS_COUNT]; /* owned; NULL: the class has no pattern */
};

static void use_shade(const struct canvas *canvas, enum ct_shade shade, double opacity)
{
    ct_palette_use(canvas->cairo, canvas->palette->shades[shade], opacity);
}

static void draw_paper(const struct canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    use_shade(canvas, CT_SHADE_PAPER, 1);
    cairo_rectangle(cairo, 0, 0, scene->width_px, scene->height_px);
    cairo_fill(cairo);
}

static void draw_rows(const struct canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    double left_px = 16, width_px = scene->width_px - 2 * left_px;
    for (guint i = 0; i < scene->rows->len; i++) {
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, i);
        if (!row->thread && !row->is_cpu) {
            use_shade(canvas, CT_SHADE_PROCESS_BAND, 1);
            cairo_rectangle(cairo, left_px, row->y_px, width_px, row->height_px);
            cairo_fill(cairo);
        } else if (row->height_px >= 10) {
            use_shade(canvas, CT_SHADE_ROW_LINE, 1);
            cairo_rectangle(cairo, left_px, row->y_px + row->height_px - 1, width_px, 1);
            cairo_fill(cairo);
        }
    }
}

/* Process headers are bands across the plot; the grid residencies out of them. */
static void draw_grid(const struct canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    cairo_t *cairo = canvas->cairo;
    use_shade(canvas, CT_SHADE_GRID, 1);
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
static void fill_class(const struct canvas *canvas, enum ct_class class, cairo_pattern_t *tile)
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
static cairo_pattern_t *tile_of(const struct canvas *canvas, enum ct_class class,
                                gboolean has_losses)
{
    return canvas->tiles[has_losses && class == CT_CLASS_RUNNING ? CT_CLASS_UNKNOWN : class];
}

/* Boxes of one bar, or of one chart. */
static void fill_boxes(const struct canvas *canvas, const struct ct_scene_box *boxes, guint count,
                       double bottom_px)
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

static void draw_boxes(const struct canvas *canvas)
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
static void draw_overview(const struct canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;
    const struct ct_scene_rectangle *area = &scene->overview;

    if (area->height_px > 0)
        fill_boxes(canvas, (const struct ct_scene_box *)scene->overview_boxes->data,
                   scene->overview_boxes->len, area->y_px + area->height_px);
}

static void draw_runs(const struct canvas *canvas)
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

static void draw_residencies(const struct canvas *canvas)
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
static void draw_separators(const struct canvas *canvas)
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
    use_shade(canvas, CT_SHADE_PAPER, 0.55);
    cairo_fill(cairo);
}

static void hatch(const struct canvas *canvas, const struct ct_scene_rectangle *area)
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
    use_shade(canvas, CT_SHADE_PAPER, 0.5);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void draw_open_waits(const struct canvas *canvas)
{
    const struct ct_scene *scene = canvas->scene;

    for (guint i = 0; i < scene->open_ends->len; i++)
        hatch(canvas, &g_array_index(scene->open_ends, struct ct_scene_rectangle, i));
}

static void trace_shafts(cairo_t *cairo, const struct ct_scene_arrow *arrows, guint count)
{
    for (guint i = 0; i < count; i++) {
        cairo_move_to(cairo, arrows[i].from_x_px, arrows[i].from_y_px);
        cairo_line_to(cairo, arrows[i].to_x_px, arrows[i].to_y_px);
    }
}

static void trace_head(cairo_t *cairo, const struct ct_scene_arrow *arrow)
{
    double angle = atan2(arrow->to_y_px - arrow->from_y_px, arrow->to_x_px - arrow->from_x_px);
    cairo_save(cairo);
    cairo_translate(cairo, arrow->to_x_px, arrow->to_y_px);
    cairo_rotate(cairo, angle);
    cairo_move_to(cairo, 0, 0);
    cairo_line_to(cairo, -arrow_head_px, -arrow_head_half_px);
    cairo_line_to(cairo, -arrow_head_px, arrow_head_half_px);
    cairo_close_path(cairo);
    cairo_restore(cairo);
}

static void draw_arrows(const struct canvas *canvas, const struct ct_scene_arrow *arrows,
                        guint count)
{
    cairo_t *cairo = canvas->cairo;

    if (count == 0)
        return;
    cairo_save(cairo);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    /* A light rim keeps the lines apart from whatever bars they cross. */
    use_shade(canvas, CT_SHADE_ARROW_HALO, 0.6);
    cairo_set_line_width(cairo, arrow_halo_px);
    trace_shafts(cairo, arrows, count);
    cairo_stroke(cairo);

    use_shade(canvas, CT_SHADE_ARROW, 1);
    cairo_set_line_width(cairo, arrow_line_px);
    trace_shafts(cairo, arrows, count);
    cairo_stroke(cairo);
    for (guint i = 0; i < count; i++)
        trace_head(cairo, &arrows[i]);
    cairo_fill(cairo);

    /* A line of no length with round caps is a dot, in the fewest bytes. */
    cairo_set_line_width(cairo, arrow_dot_px);
    for (guint i = 0; i < count; i++) {
        cairo_move_to(cairo, arrows[i].from_x_px, arrows[i].from_y_px);
        cairo_close_path(cairo);
    }
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

/* With what leads from one row to another, where one ends as the next one begins. */
static void trace_path(cairo_t *cairo, const struct ct_scene_path_line *lines, guint count,
                       gboolean is_joined)
{
    for (guint i = 0; i < count; i++) {
        if (is_joined && i > 0 && lines[i - 1].end_x_px == lines[i].begin_x_px)
            cairo_line_to(cairo, lines[i].begin_x_px, lines[i].y_px);
        else
            cairo_move_to(cairo, lines[i].begin_x_px, lines[i].y_px);
        cairo_line_to(cairo, lines[i].end_x_px, lines[i].y_px);
    }
}

static void draw_path(const struct canvas *canvas, const struct ct_scene_path_line *lines,
                      guint count)
{
    cairo_t *cairo = canvas->cairo;

    if (count == 0)
        return;
    cairo_save(cairo);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    trace_path(cairo, lines, count, TRUE);
    use_shade(canvas, CT_SHADE_ARROW_HALO, 0.75);
    cairo_set_line_width(cairo, path_halo_px);
    cairo_stroke_preserve(cairo);
    use_shade(canvas, CT_SHADE_PATH, 1);
    cairo_set_line_width(cairo, path_joint_px);
    cairo_stroke(cairo);
    trace_path(cairo, lines, count, FALSE);
    cairo_set_line_width(cairo, path_line_px);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void draw_legend(const struct canvas *canvas)
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
            draw_arrows(canvas, &sample, 1);
            continue;
        }
        if (item->is_path_sample) {
            const struct ct_scene_path_line sample = {.begin_x_px = item->x_px,
                                                      .end_x_px = item->x_px + item->width_px,
                                                      .y_px = item->y_px + item->height_px / 2};
            draw_path(canvas, &sample, 1);
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

void ct_paint_scene(cairo_t *cairo, const struct ct_scene *scene, const struct ct_palette *palette,
                    struct ct_typesetter *typesetter)
{
    struct canvas canvas = {.cairo = cairo, .scene = scene, .palette = palette};

    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        if (scene->has_patterns || class == CT_CLASS_UNKNOWN)
            canvas.tiles[class] = ct_tile_new(class, palette->shades[CT_SHADE_PAPER]);
    draw_paper(&canvas);
    draw_rows(&canvas);
    draw_grid(&canvas);
    draw_overview(&canvas);
    draw_boxes(&canvas);
    draw_runs(&canvas);
    draw_residencies(&canvas);
    draw_separators(&canvas);
    draw_open_waits(&canvas);
    for (guint i = 0; i < scene->texts->len; i++)
        ct_typesetter_draw(typesetter, cairo, palette,
                           &g_array_index(scene->texts, struct ct_scene_text, i));
    draw_legend(&canvas);
    draw_arrows(&canvas, (const struct ct_scene_arrow *)scene->arrows->data, scene->arrows->len);
    draw_path(&canvas, (const struct ct_scene_path_line *)scene->path->data, scene->path->len);
    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        g_clear_pointer(&canvas.tiles[class], cairo_pattern_destroy);
}
