/* How many threads are in which state, over time: a chart above the plot, on its axis. */
#include "scene/steps.h"

#include <inttypes.h>
#include <math.h>

enum {
    HEIGHT_PX = 60,
    GAP_PX = 6,
    LEAST_THREADS = 2, /* of one, its bar says the same */
};

/* How much of the limit on a picture's boxes the chart may take. */
enum { BOX_SHARE = 8 };

/* Threads that sums are off by. */
static const double rounding = 0.01;

static gboolean is_counted(const struct ct_lane *lane)
{
    return !lane->is_idle;
}

/* A chart of so many columns, as threads on average over each. */
struct chart {
    struct ct_grid grid;
    double column_px;
    struct ct_class_times *columns; /* owned */
    double most;                    /* in one column, in whole threads: its height */
};

static void count_threads(struct chart *chart, const struct ct_scene_request *request,
                          const GArray *lanes)
{
    gboolean is_of_some = request->only && request->only[0];
    guint threads = 0;

    chart->columns = g_new0(struct ct_class_times, chart->grid.count);
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);

        if (!is_counted(lane))
            continue;
        threads++;
        ct_columns_add(lane, &chart->grid, chart->columns);
    }
    for (uint32_t i = 0; i < chart->grid.count; i++) {
        double all = 0;

        for (int class = 0; class < CT_CLASS_COUNT; class ++) {
            chart->columns[i].time_ns[class] /= chart->grid.column_ns;
            all += chart->columns[i].time_ns[class];
        }
        chart->most = MAX(chart->most, all);
        if (is_of_some)
            chart->columns[i].time_ns[CT_CLASS_RUNNING] = 0;
    }
    /* What stands for waits that were not recorded may be more than there was room for. */
    if (chart->most > 0)
        chart->most = CLAMP(ceil(chart->most - rounding), 1, threads);
}

/* The edge below each class, and the last one's upper one, in whole pixels from the bottom: edges
 * that do not move from column to column make one box. */
static void find_edges(const struct chart *chart, uint32_t column, double height_px,
                       double edges_px[1 + CT_CLASS_COUNT])
{
    double threads = 0;

    edges_px[0] = 0;
    for (int i = 0; i < CT_CLASS_COUNT; i++) {
        threads += chart->columns[column].time_ns[ct_scene_stacking[i]];
        edges_px[i + 1] = MIN(floor(threads / chart->most * height_px + 0.5), height_px);
    }
}

static void add_boxes(struct ct_scene *scene, const struct chart *chart)
{
    const struct ct_scene_rectangle *area = &scene->overview;
    double bottom_px = area->y_px + area->height_px;
    struct ct_scene_box runs[CT_CLASS_COUNT] = {0};

    for (uint32_t i = 0; i <= chart->grid.count; i++) {
        double edges_px[1 + CT_CLASS_COUNT] = {0};

        if (i < chart->grid.count)
            find_edges(chart, i, area->height_px, edges_px);
        for (int j = 0; j < CT_CLASS_COUNT; j++) {
            struct ct_scene_box *run = &runs[j];
            double y_px = bottom_px - edges_px[j + 1], height_px = edges_px[j + 1] - edges_px[j];

            if (run->height_px == height_px && (run->y_px == y_px || height_px == 0)) {
                run->width_px += chart->column_px;
                continue;
            }
            if (run->height_px > 0)
                g_array_append_val(scene->overview_boxes, *run);
            *run = (struct ct_scene_box){
                .row = -1,
                .class = ct_scene_stacking[j],
                .x_px = area->x_px + i * chart->column_px,
                .y_px = y_px,
                .width_px = chart->column_px,
                .height_px = height_px,
            };
        }
    }
}

static void place_label(struct ct_scene *scene, char *text, double centre_y_px)
{
    double right_px = scene->overview.x_px - 10;

    ct_scene_add_text(scene, (struct ct_scene_text){
                                 .text = text,
                                 .style = CT_STYLE_TICK,
                                 .align = CT_ALIGN_RIGHT,
                                 .x_px = right_px,
                                 .centre_y_px = centre_y_px,
                                 .width_px = right_px - CT_MARGIN,
                                 .row = -1,
                             });
}

static gboolean has_overview(const struct ct_scene_request *request, const GArray *lanes)
{
    return request->has_overview && request->window.begin_ns < request->window.end_ns &&
           lanes->len - ct_lanes_count_idle(lanes) >= LEAST_THREADS;
}

double ct_layout_overview_height_px(const struct ct_scene_request *request, const GArray *lanes)
{
    return has_overview(request, lanes) ? HEIGHT_PX + GAP_PX : 0;
}

void ct_layout_place_overview(struct ct_scene *scene, const struct ct_scene_request *request,
                              const GArray *lanes)
{
    if (!has_overview(request, lanes))
        return;
    scene->overview = (struct ct_scene_rectangle){
        scene->plot.x_px, scene->plot.y_px - CT_AXIS_HEIGHT - GAP_PX - HEIGHT_PX,
        scene->plot.width_px, HEIGHT_PX};
    for (double column_px = 1;; column_px *= 2) {
        struct chart chart = {.column_px = column_px};

        g_array_set_size(scene->overview_boxes, 0);
        if (!ct_grid_init(&chart.grid, &request->window, scene->plot.width_px / column_px))
            return;
        count_threads(&chart, request, lanes);
        if (chart.most > 0)
            add_boxes(scene, &chart);
        g_free(chart.columns);
        if (request->box_limit == 0 || column_px >= CT_WIDEST_COLUMN ||
            scene->overview_boxes->len <= request->box_limit / BOX_SHARE) {
            place_label(
                scene,
                g_strdup_printf("%.0f %s", chart.most, chart.most == 1 ? "thread" : "threads"),
                scene->overview.y_px + 6);
            place_label(scene, g_strdup("by state"), scene->overview.y_px + 20);
            return;
        }
    }
}
