/* On which CPU each thread ran: a lane below its bar. */
#include "scene/steps.h"

#include "scene/grid.h"

#include <inttypes.h>
#include <math.h>

enum {
    LABEL_LANE_PX = 8, /* lower lanes have no room for letters */
    LABEL_PADDING_PX = 2,
    LABEL_DISTANCE_PX = 80, /* from one number to the same one again */
    LABELS_MAX = 1000,      /* shared evenly among the rows */
};

/* A CPU with less of a column's time has it in turn with others. */
static const double least_lead_share = 0.4;

/* The end of a residency seldom falls between two columns, or two bins: next to a column as full as
 * this, what is at least half of one is full, and less than that is nothing of its own. */
static const double full_share = 0.75;

/* A thread's time on CPUs by columns. */
struct chart {
    struct ct_grid grid;
    struct ct_cpu_vote *columns; /* owned */
    uint32_t column_px;
};

gboolean ct_layout_has_cpu_lanes(const struct ct_scene_request *request)
{
    return request->has_cpu_lanes && ct_timeline_cpus(request->timeline)->len > 0;
}

guint ct_cpu_tint(uint32_t cpu)
{
    return 1 + cpu % CT_SCENE_CPU_TINTS;
}

/* A bin that is wider than a column is the same in all of its columns. */
static void add_bin(struct chart *chart, const struct ct_cpu_vote *bin, uint64_t begin_ns,
                    uint64_t width_ns)
{
    struct ct_grid_span span = ct_grid_span(&chart->grid, begin_ns, begin_ns + width_ns);

    for (uint32_t i = span.first; i < span.past; i++) {
        double share = ct_grid_share(&span, i);
        const struct ct_cpu_vote vote = {bin->run_ns * share, bin->lead_ns * share, bin->cpu};

        if (share > 0)
            ct_cpu_vote_add(&chart->columns[i], &vote);
    }
}

static void fill_columns(struct chart *chart, const struct ct_bins *bins)
{
    for (uint32_t i = 0; bins->cpus && i < bins->count; i++)
        if (bins->cpus[i].run_ns > 0)
            add_bin(chart, &bins->cpus[i], ct_bins_begin_ns(bins, i), ct_bins_width_ns(bins));
}

/* How much of a column the thread ran; 0 beyond the ends. */
static double share_of(const struct chart *chart, int64_t index)
{
    if (index < 0 || index >= chart->grid.count)
        return 0;
    return MIN(chart->columns[index].run_ns / chart->grid.column_ns, 1);
}

static double sharpened_share(const struct chart *chart, uint32_t index)
{
    double share = share_of(chart, index);
    double before = share_of(chart, (int64_t)index - 1),
           after = share_of(chart, (int64_t)index + 1);

    if (MAX(before, after) < full_share)
        return share;
    if (share >= 0.5)
        return 1;
    return MIN(before, after) > 0 ? share : 0;
}

static gboolean is_mixed(const struct chart *chart, uint32_t index)
{
    const struct ct_cpu_vote *column = &chart->columns[index];

    return column->run_ns > 0 && column->lead_ns < least_lead_share * column->run_ns;
}

/* A lone column between two CPUs is where the thread moved, not a time of many moves. */
static guint tint_of(const struct chart *chart, uint32_t index)
{
    gboolean is_alone = (index == 0 || !is_mixed(chart, index - 1)) &&
                        (index + 1 >= chart->grid.count || !is_mixed(chart, index + 1));

    return is_mixed(chart, index) && !is_alone ? 0 : ct_cpu_tint(chart->columns[index].cpu);
}

static gboolean continues(const struct ct_scene_residency *before,
                          const struct ct_scene_residency *residency)
{
    return before->tint == residency->tint && before->height_px == residency->height_px &&
           (residency->tint == 0 || before->cpu == residency->cpu) &&
           before->x_px + before->width_px == residency->x_px;
}

static void emit_residencies(struct ct_scene *scene, const struct chart *chart, int row_index)
{
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, row_index);
    guint first = scene->residencies->len;
    /* A colour needs some area to be told from another. */
    double least_px = ceil(row->lane_height_px / 3);

    for (uint32_t i = 0; i < chart->grid.count; i++) {
        const struct ct_cpu_vote *column = &chart->columns[i];
        double share = sharpened_share(chart, i);
        double height_px = MAX(least_px, floor(share * row->lane_height_px + 0.5));
        struct ct_scene_residency residency = {
            .row = row_index,
            .cpu = column->cpu,
            .tint = tint_of(chart, i),
            .x_px = scene->plot.x_px + (double)i * chart->column_px,
            .y_px = row->lane_y_px + row->lane_height_px - height_px,
            .width_px = chart->column_px,
            .height_px = height_px,
        };
        struct ct_scene_residency *last =
            scene->residencies->len > first
                ? &g_array_index(scene->residencies, struct ct_scene_residency,
                                 scene->residencies->len - 1)
                : NULL;

        if (!(share > 0))
            continue;
        if (last && continues(last, &residency))
            last->width_px += residency.width_px;
        else
            g_array_append_val(scene->residencies, residency);
    }
}

static void place_residencies_of(struct ct_scene *scene, const struct ct_scene_request *request,
                                 const struct ct_placed_lane *at, uint32_t column_px)
{
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, at->row);
    struct chart chart = {.column_px = column_px};

    if (!at->lane->waited || row->lane_height_px < 1 ||
        !ct_grid_init(&chart.grid, &request->window, scene->plot.width_px / column_px))
        return;
    chart.columns = g_new0(struct ct_cpu_vote, chart.grid.count);
    fill_columns(&chart, &at->lane->waited->cpus);
    emit_residencies(scene, &chart, at->row);
    g_free(chart.columns);
}

static void place_label(struct ct_scene *scene, const struct ct_scene_request *request,
                        const struct ct_scene_residency *residency)
{
    const struct ct_scene_row *row =
        &g_array_index(scene->rows, struct ct_scene_row, residency->row);
    char *number = g_strdup_printf("%" PRIu32, residency->cpu);
    double number_px = ct_scene_measure(request, CT_STYLE_CPU, number);

    if (number_px + 2 * LABEL_PADDING_PX > residency->width_px) {
        g_free(number);
        return;
    }
    ct_scene_add_text(scene, (struct ct_scene_text){
                                 .text = number,
                                 .style = CT_STYLE_CPU,
                                 .x_px = residency->x_px + LABEL_PADDING_PX,
                                 .centre_y_px = row->lane_y_px + row->lane_height_px / 2,
                                 .width_px = number_px + 1,
                                 .row = residency->row,
                                 .cpu_tint = residency->tint,
                             });
}

/* The same number again only where the eye has lost it. */
static void place_labels(struct ct_scene *scene, const struct ct_scene_request *request,
                         guint row_limit)
{
    const struct ct_scene_residency *labelled = NULL;
    guint count = 0; /* in this row */

    for (guint i = 0; i < scene->residencies->len; i++) {
        const struct ct_scene_residency *residency =
            &g_array_index(scene->residencies, struct ct_scene_residency, i);
        const struct ct_scene_row *row =
            &g_array_index(scene->rows, struct ct_scene_row, residency->row);
        guint before = scene->texts->len;

        if (i == 0 || residency[-1].row != residency->row)
            count = 0;
        if (count >= row_limit || residency->tint == 0 ||
            residency->height_px < row->lane_height_px || row->lane_height_px < LABEL_LANE_PX)
            continue;
        if (labelled && labelled->row == residency->row && labelled->cpu == residency->cpu &&
            residency->x_px - labelled->x_px < LABEL_DISTANCE_PX)
            continue;
        place_label(scene, request, residency);
        if (scene->texts->len == before)
            continue;
        labelled = residency;
        count++;
    }
}

void ct_layout_place_residencies(struct ct_scene *scene, const struct ct_scene_request *request,
                                 const GArray *placed)
{
    if (!ct_layout_has_cpu_lanes(request))
        return;
    /* They come on top of the bars' boxes, and say less. */
    uint32_t column_px = 1;
    for (;; column_px *= 2) {
        g_array_set_size(scene->residencies, 0);
        for (guint i = 0; i < placed->len; i++)
            place_residencies_of(scene, request, &g_array_index(placed, struct ct_placed_lane, i),
                                 column_px);
        if (request->box_limit == 0 || scene->residencies->len <= request->box_limit / 2 ||
            column_px >= CT_WIDEST_COLUMN)
            break;
    }
    scene->lane_column_px = column_px;
    place_labels(scene, request, MAX(LABELS_MAX / MAX(placed->len, 1), 1));
}
