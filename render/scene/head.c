/* Title, subtitle and legend, above the plot. */
#include "scene/steps.h"

#include "model/capture_notes.h"
#include "model/format.h"
#include "scene/ticks.h"
#include "schema/capture_words.h"

#include <inttypes.h>
#include <string.h>

enum {
    TITLE_HEIGHT = 22,
    SUBTITLE_HEIGHT = 20,
    SWATCH_WIDTH = 14,
    SWATCH_HEIGHT = 12,
    SWATCH_GAP = 7,
    ITEM_GAP = 22,
};

#define ARROW_LABEL "wakes"
#define PATH_LABEL  "critical path"
#define LANE_LABEL  "Below a thread's bar, where it ran:"

static const char *title_of(const struct ct_model *model)
{
    if (model->capture.command && *model->capture.command)
        return model->capture.command;
    if (model->processes->len > 0) {
        const struct ct_process *first = model->processes->pdata[0];
        return first->args && *first->args ? first->args : first->name;
    }
    return "ctrace";
}

static uint64_t length_ns(const struct ct_model *model)
{
    return model->end_ns > model->begin_ns ? model->end_ns - model->begin_ns : 0;
}

/* Cut to what can be told apart in the picture: a window begins at 1.234 s, not at 1.2339876 s. */
static char *window_time(const struct ct_scene_request *request, uint64_t time_ns)
{
    uint64_t step_ns = 1;
    while (step_ns <= (request->window.end_ns - request->window.begin_ns) / 10000)
        step_ns *= 10;
    uint64_t offset_ns = time_ns - request->model->begin_ns;
    return ct_time_label((offset_ns + step_ns / 2) / step_ns * step_ns);
}

static char *what_is_shown(const struct ct_scene_request *request)
{
    if (request->is_whole)
        return ct_format_duration(request->window.end_ns - request->window.begin_ns);
    g_autofree char *length = ct_format_duration(length_ns(request->model));
    g_autofree char *begin = window_time(request, request->window.begin_ns);
    g_autofree char *end = window_time(request, request->window.end_ns);
    return g_strdup_printf("%s – %s of %s", begin, end, length);
}

static char *when_recorded(int64_t date_s)
{
    g_autoptr(GDateTime) date = date_s ? g_date_time_new_from_unix_utc(date_s) : NULL;
    return date ? g_date_time_format(date, "  ·  recorded %Y-%m-%d %H:%M:%S UTC") : g_strdup("");
}

static char *counted(guint count, const char *one, const char *many)
{
    g_autofree char *number = ct_format_count(count);
    return g_strdup_printf("%s %s", number, count == 1 ? one : many);
}

static char *subtitle_of(const struct ct_scene_request *request, const GArray *lanes,
                         int64_t date_s)
{
    guint process_count = 0;
    const struct ct_process *last = NULL;
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_process *process = g_array_index(lanes, struct ct_lane, i).thread->process;
        process_count += process != last;
        last = process;
    }
    g_autofree char *shown = what_is_shown(request);
    g_autofree char *processes = counted(process_count, "process", "processes");
    g_autofree char *threads = counted(lanes->len, "thread", "threads");
    g_autofree char *when = when_recorded(date_s);
    g_autofree char *only =
        request->only && request->only[0] ? g_strdup_printf("Only %s  ·  ", request->only) : NULL;
    return g_strdup_printf("%s%s  ·  %s, %s%s", only ? only : "", shown, processes, threads, when);
}

static void place_titles(struct ct_scene *scene, const struct ct_scene_request *request,
                         const GArray *lanes)
{
    double width_px = scene->width_px - 2 * CT_MARGIN;
    ct_scene_add_text(scene, (struct ct_scene_text){.text = g_strdup(title_of(request->model)),
                                                    .style = CT_STYLE_TITLE,
                                                    .x_px = CT_MARGIN,
                                                    .centre_y_px = CT_MARGIN + 8,
                                                    .width_px = width_px,
                                                    .row = -1});
    scene->title = g_strdup(g_array_index(scene->texts, struct ct_scene_text, 0).text);
    ct_scene_add_text(scene,
                      (struct ct_scene_text){.text = subtitle_of(request, lanes, scene->date_s),
                                             .style = CT_STYLE_SUBTITLE,
                                             .x_px = CT_MARGIN,
                                             .centre_y_px = CT_MARGIN + 8 + TITLE_HEIGHT,
                                             .width_px = width_px,
                                             .row = -1});
}

/* Without the kernel's word, a thread that waits for a processor looks as if it ran. */
static const char *class_label(const struct ct_model *model, enum ct_class class)
{
    gboolean knows_kernel = ct_capture_has_layer(&model->capture, CT_LAYER_KERNEL);

    return class == CT_CLASS_RUNNING && !knows_kernel ? "running or ready" : ct_class_name(class);
}

/* Where the next item goes. */
struct pen {
    double x_px;
    double y_px; /* centre of the line */
};

static void place_item(struct ct_scene *scene, const struct ct_scene_request *request,
                       struct pen *pen, struct ct_scene_legend_item item, const char *label,
                       const char *total)
{
    double label_px = ct_scene_measure(request, CT_STYLE_LEGEND, label);
    double total_px = *total ? ct_scene_measure(request, CT_STYLE_LEGEND_TOTAL, total) + 6 : 0;
    double width_px = SWATCH_WIDTH + SWATCH_GAP + label_px + total_px;
    if (pen->x_px > CT_MARGIN && pen->x_px + width_px > scene->width_px - CT_MARGIN)
        *pen = (struct pen){CT_MARGIN, pen->y_px + CT_LINE_HEIGHT + 4};

    item.x_px = pen->x_px;
    item.y_px = pen->y_px - SWATCH_HEIGHT / 2.0;
    item.width_px = SWATCH_WIDTH;
    item.height_px = SWATCH_HEIGHT;
    g_array_append_val(scene->legend, item);
    double x_px = pen->x_px + SWATCH_WIDTH + SWATCH_GAP;
    ct_scene_add_text(scene, (struct ct_scene_text){.text = g_strdup(label),
                                                    .style = CT_STYLE_LEGEND,
                                                    .x_px = x_px,
                                                    .centre_y_px = pen->y_px,
                                                    .width_px = label_px + 2,
                                                    .row = -1});
    if (*total)
        ct_scene_add_text(scene, (struct ct_scene_text){.text = g_strdup(total),
                                                        .style = CT_STYLE_LEGEND_TOTAL,
                                                        .x_px = x_px + label_px + 6,
                                                        .centre_y_px = pen->y_px,
                                                        .width_px = total_px,
                                                        .row = -1});
    pen->x_px += width_px + ITEM_GAP;
}

static char *total_text(uint64_t total_ns, uint64_t all_ns)
{
    g_autofree char *duration = ct_format_duration(total_ns);
    double percent = 100.0 * (double)total_ns / (double)all_ns;
    if (percent < 0.1)
        return g_strdup(duration);
    return g_strdup_printf(percent < 10 ? "%s  %.1f%%" : "%s  %.0f%%", duration, percent);
}

static gboolean has_waker(const struct ct_timeline_wait *wait)
{
    return wait->waker != NULL;
}

static gboolean has_open_end(const GArray *lanes, const struct ct_window *window)
{
    struct ct_window open;

    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);
        if (!lane->is_folded && ct_lane_find_open(lane, window, &open))
            return TRUE;
    }
    return FALSE;
}

static gboolean has_losses(const GArray *lanes)
{
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);
        if (lane->has_losses && !lane->is_folded)
            return TRUE;
    }
    return FALSE;
}

static gboolean has_wait(const GArray *lanes, gboolean (*is_such)(const struct ct_timeline_wait *))
{
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);
        for (uint32_t j = 0; lane->waited && !lane->is_folded && j < lane->waited->wait_count; j++)
            if (is_such(&lane->waited->waits[j]))
                return TRUE;
    }
    return FALSE;
}

/* "CPU 0", "CPU 0, 9", "CPU 0, 9, …": those on which the program ran and that have this tint. */
static char *cpus_of_tint(const GPtrArray *cpus, guint tint)
{
    GString *text = g_string_new(NULL);
    guint count = 0;
    for (guint i = 0; i < cpus->len; i++) {
        const struct ct_cpu *cpu = cpus->pdata[i];
        if (ct_cpu_tint(cpu->cpu) != tint)
            continue;
        if (++count > 2) {
            g_string_append(text, ", …");
            break;
        }
        g_string_append_printf(text, "%s%" PRIu32, count == 1 ? "CPU " : ", ", cpu->cpu);
    }
    return g_string_free(text, FALSE);
}

/* A line of its own: these are colours of the lanes, not of the bars. */
static void place_cpu_samples(struct ct_scene *scene, const struct ct_scene_request *request,
                              struct pen *pen)
{
    const GPtrArray *cpus = ct_timeline_cpus(request->timeline);
    double label_px = ct_scene_measure(request, CT_STYLE_LEGEND, LANE_LABEL) + 2;
    *pen = (struct pen){CT_MARGIN, pen->y_px + CT_LINE_HEIGHT + 4};
    ct_scene_add_text(scene, (struct ct_scene_text){.text = g_strdup(LANE_LABEL),
                                                    .style = CT_STYLE_LEGEND,
                                                    .x_px = pen->x_px,
                                                    .centre_y_px = pen->y_px,
                                                    .width_px = label_px,
                                                    .row = -1});
    pen->x_px += label_px + ITEM_GAP / 2.0;
    for (guint tint = 1; tint <= CT_SCENE_CPU_TINTS; tint++) {
        g_autofree char *label = cpus_of_tint(cpus, tint);
        if (*label)
            place_item(scene, request, pen,
                       (struct ct_scene_legend_item){.is_cpu_sample = TRUE, .cpu_tint = tint},
                       label, "");
    }
    if (cpus->len > 1)
        place_item(scene, request, pen, (struct ct_scene_legend_item){.is_cpu_sample = TRUE},
                   "several in turn", "");
}

double ct_layout_place_head(struct ct_scene *scene, const struct ct_scene_request *request,
                            const GArray *lanes)
{
    place_titles(scene, request, lanes);
    uint64_t class_ns[CT_CLASS_COUNT] = {0}, all_ns = 0;
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            class_ns[class] += lane->class_ns[class];
        all_ns += lane->alive.end_ns - lane->alive.begin_ns;
    }

    struct pen pen = {CT_MARGIN, CT_MARGIN + TITLE_HEIGHT + SUBTITLE_HEIGHT + 20};
    for (int class = 0; class < CT_CLASS_COUNT; class ++) {
        if (class_ns[class] == 0)
            continue;
        g_autofree char *total = total_text(class_ns[class], all_ns);
        place_item(scene, request, &pen,
                   (struct ct_scene_legend_item){.class = class, .total_ns = class_ns[class]},
                   class_label(request->model, class), total);
    }
    if (has_open_end(lanes, &request->window))
        place_item(scene, request, &pen, (struct ct_scene_legend_item){.is_open_sample = TRUE},
                   "still waiting at the end", "");
    if (has_losses(lanes))
        place_item(scene, request, &pen, (struct ct_scene_legend_item){.is_lost_sample = TRUE},
                   "or waits that are lost", "");
    if (has_wait(lanes, has_waker))
        place_item(scene, request, &pen, (struct ct_scene_legend_item){.is_arrow_sample = TRUE},
                   ARROW_LABEL, "");
    if (request->path)
        place_item(scene, request, &pen, (struct ct_scene_legend_item){.is_path_sample = TRUE},
                   PATH_LABEL, "");
    if (ct_layout_has_cpu_lanes(request))
        place_cpu_samples(scene, request, &pen);
    return pen.y_px + CT_LINE_HEIGHT;
}

void ct_layout_drop_arrow_sample(struct ct_scene *scene)
{
    guint sample = 0;
    while (sample < scene->legend->len &&
           !g_array_index(scene->legend, struct ct_scene_legend_item, sample).is_arrow_sample)
        sample++;
    if (sample == scene->legend->len)
        return;
    g_array_remove_index(scene->legend, sample);
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *text = &g_array_index(scene->texts, struct ct_scene_text, i);
        if (text->style == CT_STYLE_LEGEND && g_str_equal(text->text, ARROW_LABEL)) {
            g_array_remove_index(scene->texts, i);
            return;
        }
    }
}
