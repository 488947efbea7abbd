#include "scene/scene.h"

#include "text/safe_text.h"

#include <math.h>

const enum ct_class ct_scene_stacking[CT_CLASS_COUNT] = {
    CT_CLASS_RUNNING, CT_CLASS_RUNNABLE, CT_CLASS_SYSCALL, CT_CLASS_SYNC,
    CT_CLASS_NET,     CT_CLASS_SLEEP,    CT_CLASS_OTHER,   CT_CLASS_UNKNOWN,
};

void ct_scene_add_text(struct ct_scene *scene, struct ct_scene_text text)
{
    char *safe = ct_safe_line(text.text);
    g_free(text.text);
    text.text = safe;
    g_array_append_val(scene->texts, text);
}

double ct_scene_measure(const struct ct_scene_request *request, enum ct_scene_style style,
                        const char *text)
{
    if (ct_is_safe_line(text)) /* as most are, and there are many */
        return request->measure(request->measure_user, style, text);
    g_autofree char *safe = ct_safe_line(text);
    return request->measure(request->measure_user, style, safe);
}

double ct_scene_x_px(const struct ct_scene *scene, const struct ct_window *window, uint64_t time_ns)
{
    uint64_t clamped_ns = CLAMP(time_ns, window->begin_ns, window->end_ns);
    double span_ns = (double)(window->end_ns - window->begin_ns);
    double share = span_ns > 0 ? (double)(clamped_ns - window->begin_ns) / span_ns : 0;
    return scene->plot.x_px + share * scene->plot.width_px;
}

static void clear_text(gpointer text)
{
    g_free(((struct ct_scene_text *)text)->text);
}

static void clear_tip(gpointer tip)
{
    g_free(((struct ct_scene_tip *)tip)->text);
}

/* Wraps around rather than overflows on what a damaged trace may say. */
static int64_t date_of(const struct ct_model *model)
{
    uint64_t date_ns = model->begin_ns + (uint64_t)model->epoch_offset_ns;
    return model->epoch_offset_ns ? (int64_t)date_ns / 1000000000 : 0;
}

struct ct_scene *ct_scene_new(const struct ct_scene_request *request)
{
    struct ct_scene *scene = g_new0(struct ct_scene, 1);
    scene->width_px = floor(request->width_px);
    scene->has_patterns = request->has_patterns;
    scene->date_s = date_of(request->model);
    scene->overview_boxes = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_box));
    scene->rows = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_row));
    scene->boxes = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_box));
    scene->open_ends = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_rectangle));
    scene->runs = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_run));
    scene->residencies = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_residency));
    scene->arrows = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_arrow));
    scene->path = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_path_line));
    scene->marks = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_mark));
    scene->ticks = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_tick));
    scene->legend = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_legend_item));
    scene->texts = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_text));
    g_array_set_clear_func(scene->texts, clear_text);
    scene->tips = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_tip));
    g_array_set_clear_func(scene->tips, clear_tip);
    return scene;
}

void ct_scene_free(struct ct_scene *scene)
{
    if (!scene)
        return;
    g_free(scene->title);
    g_array_free(scene->overview_boxes, TRUE);
    g_array_free(scene->rows, TRUE);
    g_array_free(scene->boxes, TRUE);
    g_array_free(scene->open_ends, TRUE);
    g_array_free(scene->runs, TRUE);
    g_array_free(scene->residencies, TRUE);
    g_array_free(scene->arrows, TRUE);
    g_array_free(scene->path, TRUE);
    g_array_free(scene->marks, TRUE);
    g_array_free(scene->ticks, TRUE);
    g_array_free(scene->legend, TRUE);
    g_array_free(scene->texts, TRUE);
    g_array_free(scene->tips, TRUE);
    g_free(scene);
}
