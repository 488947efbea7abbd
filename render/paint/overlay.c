/* What lies on top of the bars: arrows, the critical path, and marks of findings. */
#include "paint/canvas.h"

#include <math.h>

static const double arrow_line_px = 1.1;
static const double arrow_halo_px = 3;
static const double arrow_head_px = 5.5;
static const double arrow_head_half_px = 3;
static const double arrow_dot_px = 4.2;
static const double path_line_px = 3;
static const double path_joint_px = 1.2;
static const double path_halo_px = 4;
static const double mark_line_px = 1.5;

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

void ct_canvas_draw_arrows(const struct ct_canvas *canvas, const struct ct_scene_arrow *arrows,
                           guint count)
{
    cairo_t *cairo = canvas->cairo;

    if (count == 0)
        return;
    cairo_save(cairo);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    /* A light rim keeps the lines apart from whatever bars they cross. */
    ct_canvas_use(canvas, CT_SHADE_ARROW_HALO, 0.6);
    cairo_set_line_width(cairo, arrow_halo_px);
    trace_shafts(cairo, arrows, count);
    cairo_stroke(cairo);

    ct_canvas_use(canvas, CT_SHADE_ARROW, 1);
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

void ct_canvas_draw_path(const struct ct_canvas *canvas, const struct ct_scene_path_line *lines,
                         guint count)
{
    cairo_t *cairo = canvas->cairo;

    if (count == 0)
        return;
    cairo_save(cairo);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    trace_path(cairo, lines, count, TRUE);
    ct_canvas_use(canvas, CT_SHADE_ARROW_HALO, 0.75);
    cairo_set_line_width(cairo, path_halo_px);
    cairo_stroke_preserve(cairo);
    ct_canvas_use(canvas, CT_SHADE_PATH, 1);
    cairo_set_line_width(cairo, path_joint_px);
    cairo_stroke(cairo);
    trace_path(cairo, lines, count, FALSE);
    cairo_set_line_width(cairo, path_line_px);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

/* With a rim of paper, so that they are seen on whatever they lie on. */
static void draw_mark(const struct ct_canvas *canvas, const struct ct_scene_mark *mark)
{
    const struct ct_scene_rectangle *area = &mark->area;
    cairo_t *cairo = canvas->cairo;

    switch (mark->kind) {
    case CT_MARK_EXTENT:
        cairo_move_to(cairo, area->x_px, area->y_px);
        cairo_rel_line_to(cairo, 0, area->height_px);
        cairo_move_to(cairo, area->x_px, area->y_px + area->height_px / 2);
        cairo_rel_line_to(cairo, area->width_px, 0);
        cairo_move_to(cairo, area->x_px + area->width_px, area->y_px);
        cairo_rel_line_to(cairo, 0, area->height_px);
        break;
    case CT_MARK_WAIT:
        cairo_rectangle(cairo, area->x_px, area->y_px, area->width_px, area->height_px);
        ct_canvas_use(canvas, CT_SHADE_PAPER, 0.9);
        cairo_set_line_width(cairo, mark_line_px + 2);
        cairo_stroke_preserve(cairo);
        break;
    case CT_MARK_BADGE:
        cairo_arc(cairo, area->x_px + area->width_px / 2, area->y_px + area->height_px / 2,
                  area->width_px / 2, 0, 2 * G_PI);
        ct_canvas_use(canvas, CT_SHADE_MARK, 1);
        cairo_fill_preserve(cairo);
        ct_canvas_use(canvas, CT_SHADE_PAPER, 0.9);
        cairo_set_line_width(cairo, 1);
        cairo_stroke(cairo);
        return;
    }
    ct_canvas_use(canvas, CT_SHADE_MARK, 1);
    cairo_set_line_width(cairo, mark_line_px);
    cairo_stroke(cairo);
}

void ct_canvas_draw_marks(const struct ct_canvas *canvas)
{
    for (guint i = 0; i < canvas->scene->marks->len; i++)
        draw_mark(canvas, &g_array_index(canvas->scene->marks, struct ct_scene_mark, i));
}
