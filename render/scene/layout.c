#include "scene/layout.h"

#include "scene/steps.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

G_DEFINE_QUARK(ct - layout - error - quark, ct_layout_error)

enum {
    NAME_MIN_PX = 60,
    NAME_MAX_PX = 220,
    NAME_GAP_PX = 10,
    PLOT_MIN_PX = 200,
    PROCESS_GAP_PX = 10,
    LANE_GAP_PX = 1,
    ROWS_MAX_PX = 6000, /* nobody scrolls through more: lower rows, if there are any */
};

/* How close rows stand. The first one whose picture is low enough is taken. */
struct density {
    int most_rows; /* unless the next would not do either */
    double pitch_px;
    double bar_px;
    double process_px;
    enum ct_scene_style name_style;
    enum ct_scene_style tid_style;
    gboolean has_names;
    double lane_px; /* of the CPU below the bar; where there are lanes, rows are farther apart */
};

static const struct density densities[] = {
    {24, 28, 20, 24, CT_STYLE_THREAD, CT_STYLE_TID, TRUE, 9},
    {80, 22, 16, 24, CT_STYLE_THREAD, CT_STYLE_TID, TRUE, 8},
    {G_MAXINT, 16, 12, 22, CT_STYLE_THREAD_SMALL, CT_STYLE_TID_SMALL, TRUE, 4},
    {G_MAXINT, 12, 10, 20, CT_STYLE_THREAD_SMALL, CT_STYLE_TID_SMALL, TRUE, 3},
    {G_MAXINT, 6, 5, 18, CT_STYLE_THREAD_SMALL, CT_STYLE_TID_SMALL, FALSE, 2},
    {G_MAXINT, 3, 3, 18, CT_STYLE_THREAD_SMALL, CT_STYLE_TID_SMALL, FALSE, 0},
};

/* The columns left of the plot: names, then thread ids. */
struct gutter {
    double name_px;
    double tid_px;
};

static char *row_name(const struct ct_lane *lane)
{
    return lane->has_header ? g_strdup(lane->thread->name) : ct_lane_name(lane->thread);
}

static struct gutter measure_gutter(const struct ct_scene_request *request, const GArray *lanes,
                                    const struct density *density)
{
    struct gutter gutter = {NAME_MIN_PX, 0};

    if (!density->has_names) {
        g_autoptr(GArray) groups = ct_lanes_group(lanes);
        for (guint i = 0; i < groups->len; i++) {
            const char *name = g_array_index(groups, struct ct_lane_group, i).name;
            double name_px = ct_scene_measure(request, density->name_style, name) + 2;
            gutter.name_px = CLAMP(name_px, gutter.name_px, NAME_MAX_PX);
        }
        return gutter;
    }
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);
        if (lane->is_folded)
            continue;
        g_autofree char *tid = g_strdup_printf("%" PRId32, lane->thread->tid);
        g_autofree char *name = row_name(lane);
        double name_px = ct_scene_measure(request, density->name_style, name) + 2;
        double tid_px = ct_scene_measure(request, density->tid_style, tid) + 2;
        gutter.name_px = CLAMP(name_px, gutter.name_px, NAME_MAX_PX);
        gutter.tid_px = MAX(gutter.tid_px, tid_px);
    }
    return gutter;
}

/* What comes above a lane's row. */
struct opening {
    gboolean has_header;
    gboolean has_gap;
};

/* `previous` is the shown lane before, or NULL. */
static struct opening opening_of(const struct ct_lane *lane, const struct ct_lane *previous)
{
    if (previous && previous->thread->process == lane->thread->process)
        return (struct opening){FALSE, FALSE};
    return (struct opening){lane->has_header,
                            previous && (lane->has_header || previous->has_header)};
}

static double rows_height_px(const GArray *lanes, const struct density *density)
{
    double height_px = 0;
    const struct ct_lane *previous = NULL;
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);
        if (lane->is_folded)
            continue;
        struct opening opening = opening_of(lane, previous);
        height_px += opening.has_gap ? PROCESS_GAP_PX : 0;
        height_px += opening.has_header ? density->process_px : 0;
        height_px += density->pitch_px;
        previous = lane;
    }
    return height_px + ct_layout_idle_height_px(lanes);
}

static guint shown_count(const GArray *lanes)
{
    guint count = 0;
    for (guint i = 0; i < lanes->len; i++)
        count += !g_array_index(lanes, struct ct_lane, i).is_folded;
    return count;
}

static void make_room_for_lane(struct density *density, const struct ct_scene_request *request)
{
    if (!ct_layout_has_cpu_lanes(request))
        density->lane_px = 0;
    density->pitch_px += density->lane_px > 0 ? LANE_GAP_PX + density->lane_px : 0;
}

/* `rest_px` is what the picture needs beside the rows. */
static gboolean choose_density(const struct ct_scene_request *request, const GArray *lanes,
                               double rest_px, struct density *chosen, GError **error)
{
    guint count = shown_count(lanes);
    for (size_t i = 0; i < G_N_ELEMENTS(densities); i++) {
        struct density density = densities[i];
        make_room_for_lane(&density, request);
        double height_px = rows_height_px(lanes, &density);
        gboolean is_last = i + 1 == G_N_ELEMENTS(densities);
        if (count <= (guint)density.most_rows && (is_last || height_px <= ROWS_MAX_PX) &&
            (request->height_limit_px == 0 || height_px + rest_px <= request->height_limit_px)) {
            *chosen = density;
            return TRUE;
        }
    }
    g_set_error(error, CT_LAYOUT_ERROR, CT_LAYOUT_ERROR_TOO_TALL,
                "%u threads do not fit into an image of %.0f pixels' height: choose fewer with "
                "--threads, or write SVG or PDF",
                count, request->height_limit_px);
    return FALSE;
}

static void place_process(struct ct_scene *scene, const struct ct_scene_request *request,
                          const struct ct_process *process, double y_px, double height_px)
{
    struct ct_scene_row row = {.process = process, .y_px = y_px, .height_px = height_px};
    g_array_append_val(scene->rows, row);
    double centre_px = y_px + height_px / 2;
    double right_px = scene->width_px - CT_MARGIN;
    double name_px = MIN(ct_scene_measure(request, CT_STYLE_PROCESS, process->name) + 2,
                         (right_px - CT_MARGIN) / 2);
    int index = scene->rows->len - 1;
    ct_scene_add_text(scene, (struct ct_scene_text){.text = g_strdup(process->name),
                                                    .style = CT_STYLE_PROCESS,
                                                    .x_px = CT_MARGIN + 6,
                                                    .centre_y_px = centre_px,
                                                    .width_px = name_px,
                                                    .row = index});
    double detail_px = CT_MARGIN + 6 + name_px + NAME_GAP_PX;
    const char *title = ct_process_title(process);
    ct_scene_add_text(scene, (struct ct_scene_text){
                                 .text = g_strdup_printf("%" PRId32 "   %s", process->pid, title),
                                 .style = CT_STYLE_PROCESS_DETAIL,
                                 .x_px = detail_px,
                                 .centre_y_px = centre_px,
                                 .width_px = right_px - detail_px - 6,
                                 .row = index});
}

static void place_thread(struct ct_scene *scene, const struct ct_lane *lane,
                         const struct density *density, const struct gutter *gutter, double y_px)
{
    const struct ct_thread *thread = lane->thread;
    double below_px = density->lane_px > 0 ? LANE_GAP_PX + density->lane_px : 0;
    struct ct_scene_row row = {
        .process = thread->process,
        .thread = thread,
        .has_losses = lane->has_losses,
        .y_px = y_px,
        .height_px = density->pitch_px,
        .bar_y_px = y_px + floor((density->pitch_px - density->bar_px - below_px) / 2),
        .bar_height_px = density->bar_px,
        .lane_height_px = density->lane_px,
    };
    row.lane_y_px = row.bar_y_px + row.bar_height_px + LANE_GAP_PX;
    g_array_append_val(scene->rows, row);
    if (!density->has_names)
        return;
    struct ct_scene_text name = {.text = row_name(lane),
                                 .style = density->name_style,
                                 .x_px = CT_MARGIN + 6,
                                 .centre_y_px = row.bar_y_px + row.bar_height_px / 2,
                                 .width_px = gutter->name_px,
                                 .row = scene->rows->len - 1};
    struct ct_scene_text tid = name;
    tid.text = g_strdup_printf("%" PRId32, thread->tid);
    tid.style = density->tid_style;
    tid.align = CT_ALIGN_RIGHT;
    tid.x_px = scene->plot.x_px - NAME_GAP_PX;
    tid.width_px = gutter->tid_px;
    ct_scene_add_text(scene, name);
    ct_scene_add_text(scene, tid);
}

/* Fills scene->rows from `y_px` down, and returns which lane is where. */
static GArray *place_rows(struct ct_scene *scene, const struct ct_scene_request *request,
                          const GArray *lanes, const struct density *density,
                          const struct gutter *gutter)
{
    GArray *placed = g_array_new(FALSE, FALSE, sizeof(struct ct_placed_lane));
    double y_px = scene->plot.y_px;
    const struct ct_lane *previous = NULL;
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);
        if (lane->is_folded)
            continue;
        struct opening opening = opening_of(lane, previous);
        y_px += opening.has_gap ? PROCESS_GAP_PX : 0;
        if (opening.has_header) {
            place_process(scene, request, lane->thread->process, y_px, density->process_px);
            y_px += density->process_px;
        }
        previous = lane;
        place_thread(scene, lane, density, gutter, y_px);
        struct ct_placed_lane at = {lane, scene->rows->len - 1};
        g_array_append_val(placed, at);
        y_px += density->pitch_px;
    }
    if (!density->has_names) {
        g_autoptr(GArray) groups = ct_lanes_group(lanes);
        ct_layout_place_groups(scene, groups, gutter->name_px);
    }
    y_px = ct_layout_place_idle(scene, lanes, y_px);
    scene->plot.height_px = y_px - scene->plot.y_px;
    return placed;
}

static void place_boxes_of(struct ct_scene *scene, const struct ct_scene_request *request,
                           const struct ct_placed_lane *at)
{
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, at->row);
    guint before = scene->boxes->len;
    struct ct_columns_place place = {
        .window = request->window,
        .is_of_some = request->only && request->only[0],
        .x_px = scene->plot.x_px,
        .column_px = scene->column_px,
        .count = scene->plot.width_px / scene->column_px,
        .bar_y_px = row->bar_y_px,
        .bar_height_px = row->bar_height_px,
    };
    ct_columns_place_boxes(at->lane, &place, scene->boxes);
    for (guint i = before; i < scene->boxes->len; i++)
        g_array_index(scene->boxes, struct ct_scene_box, i).row = at->row;
}

/* It is the end that is open: hatching all of a long wait would only make it loud. */
static void place_open_ends(struct ct_scene *scene, const struct ct_window *window,
                            const GArray *placed)
{
    for (guint i = 0; i < placed->len; i++) {
        const struct ct_placed_lane *at = &g_array_index(placed, struct ct_placed_lane, i);
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, at->row);
        struct ct_window open;

        if (!ct_lane_find_open(at->lane, window, &open))
            continue;
        double begin_px = ct_scene_x_px(scene, window, open.begin_ns);
        double end_px = ct_scene_x_px(scene, window, open.end_ns);
        struct ct_scene_rectangle end = {MAX(begin_px, end_px - CT_OPEN_END_PX), row->bar_y_px, 0,
                                         row->bar_height_px};
        end.width_px = end_px - end.x_px;
        g_array_append_val(scene->open_ends, end);
    }
}

static void place_boxes(struct ct_scene *scene, const struct ct_scene_request *request,
                        const GArray *placed)
{
    for (scene->column_px = 1;; scene->column_px *= 2) {
        g_array_set_size(scene->boxes, 0);
        for (guint i = 0; i < placed->len; i++)
            place_boxes_of(scene, request, &g_array_index(placed, struct ct_placed_lane, i));
        if (request->box_limit == 0 || scene->boxes->len <= request->box_limit ||
            scene->column_px >= CT_WIDEST_COLUMN)
            return;
    }
}

static gboolean check_lanes(const struct ct_scene_request *request, const GArray *lanes,
                            GError **error)
{
    if (lanes->len > 0 || request->model->threads->len == 0)
        return TRUE;
    g_set_error(error, CT_LAYOUT_ERROR, CT_LAYOUT_ERROR_NO_THREADS,
                "none of the %u threads recorded matches: see their names with ctrace report",
                request->model->threads->len);
    return FALSE;
}

/* Whole columns of every width, flush with the right margin. */
static void place_plot_sideways(struct ct_scene *scene, const struct gutter *gutter)
{
    double gutter_px = CT_MARGIN + 6 + gutter->name_px + 2 * NAME_GAP_PX + gutter->tid_px;
    double width_px = MAX(PLOT_MIN_PX, scene->width_px - CT_MARGIN - ceil(gutter_px));
    scene->plot.width_px = width_px - fmod(width_px, CT_WIDEST_COLUMN);
    scene->plot.x_px = scene->width_px - CT_MARGIN - scene->plot.width_px;
}

/* A first estimate of everything but rows: head, axes and foot. */
static double rest_height_px(void)
{
    return 2 * CT_MARGIN + 110 + 2 * CT_AXIS_HEIGHT + 10 * CT_LINE_HEIGHT;
}

struct ct_scene *ct_layout_build(const struct ct_scene_request *request, GError **error)
{
    g_autoptr(GArray) lanes = ct_lanes_choose(request);
    if (!check_lanes(request, lanes, error))
        return NULL;
    double overview_px = ct_layout_overview_height_px(request, lanes);
    double rest_px = rest_height_px() + ct_layout_findings_height_px(request) + overview_px +
                     ct_layout_cpus_height_px(request);
    struct density density;
    if (!choose_density(request, lanes, rest_px, &density, error))
        return NULL;

    struct ct_scene *scene = ct_scene_new(request);
    scene->folded_threads = lanes->len - shown_count(lanes) - ct_lanes_count_idle(lanes);
    struct gutter gutter = measure_gutter(request, lanes, &density);
    place_plot_sideways(scene, &gutter);

    double y_px = ct_layout_place_head(scene, request, lanes);
    y_px = ct_layout_place_findings(scene, request, y_px);
    scene->plot.y_px = ceil(y_px) + overview_px + CT_AXIS_HEIGHT;
    ct_layout_place_overview(scene, request, lanes);
    g_autoptr(GArray) placed = place_rows(scene, request, lanes, &density, &gutter);
    place_boxes(scene, request, placed);
    place_open_ends(scene, &request->window, placed);
    ct_layout_place_residencies(scene, request, placed);
    ct_layout_place_arrows(scene, request, placed);
    if (scene->arrows->len == 0)
        ct_layout_drop_arrow_sample(scene);
    ct_layout_place_path(scene, request, placed);
    ct_layout_mark_findings(scene, request, placed);
    ct_layout_place_labels(scene, request, placed);
    ct_layout_place_cpus(scene, request);
    ct_layout_place_axis(scene, request);
    if (request->has_tips)
        ct_layout_place_tips(scene, request);

    y_px = scene->plot.y_px + scene->plot.height_px + 8;
    y_px += scene->plot.height_px > CT_TALL_PLOT ? CT_AXIS_HEIGHT : 0;
    y_px = ct_layout_place_foot(scene, request, y_px);
    scene->height_px = ceil(y_px) + CT_MARGIN - 8;
    return scene;
}
