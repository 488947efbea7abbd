/* The axis: ticks at round times, and their labels. */
#include "scene/steps.h"

#include "scene/ticks.h"

enum { TICK_SPACING_PX = 96 };

/* Centred on the tick, but inside the picture. */
static double tick_label_x_px(const struct ct_scene *scene, const struct ct_scene_request *request,
                              const char *label, double x_px)
{
    double half_px = ct_scene_measure(request, CT_STYLE_TICK, label) / 2 + 1;
    return MIN(x_px, scene->width_px - 6 - half_px);
}

void ct_layout_place_axis(struct ct_scene *scene, const struct ct_scene_request *request)
{
    uint64_t begin_ns = request->window.begin_ns - request->model->begin_ns;
    uint64_t end_ns = request->window.end_ns - request->model->begin_ns;
    struct ct_ticks ticks =
        ct_ticks_choose(begin_ns, end_ns, MAX(2, scene->plot.width_px / TICK_SPACING_PX));
    double top_px = scene->plot.y_px - CT_AXIS_HEIGHT / 2.0;
    double bottom_px = scene->plot.y_px + scene->plot.height_px + CT_AXIS_HEIGHT / 2.0;
    for (uint32_t i = 0; i < ticks.count; i++) {
        struct ct_scene_tick tick = {.time_ns = ticks.first_ns + i * ticks.step_ns};
        tick.x_px = ct_scene_x_px(scene, &request->window, tick.time_ns + request->model->begin_ns);
        g_array_append_val(scene->ticks, tick);
        g_autofree char *label = ct_ticks_label(&ticks, tick.time_ns);
        struct ct_scene_text text = {.text = g_strdup(label),
                                     .style = CT_STYLE_TICK,
                                     .align = CT_ALIGN_CENTRE,
                                     .x_px = tick_label_x_px(scene, request, label, tick.x_px),
                                     .centre_y_px = top_px,
                                     .width_px = TICK_SPACING_PX,
                                     .row = -1};
        struct ct_scene_text below = text;
        below.text = g_strdup(text.text);
        below.centre_y_px = bottom_px;
        ct_scene_add_text(scene, text);
        if (scene->plot.height_px > CT_TALL_PLOT)
            ct_scene_add_text(scene, below);
        else
            g_free(below.text);
    }
}
