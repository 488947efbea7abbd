#include "scene/steps.h"

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

/* The end of a stay seldom falls between two columns, or two bins: next to a column as full as
 * this, what is at least half of one is full, and less than that is nothing of its own. */
static const double full_share = 0.75;

/* A thread's time on CPUs by columns, and how time maps to them. */
struct lane_grid {
    struct ct_cpu_vote *columns; /* owned; `count` */
    uint32_t count;
    uint32_t column_px;
    double column_ns;
    uint64_t begin_ns;
};

gboolean ct_layout_has_cpu_lanes(const struct ct_layout_request *request)
{
    return request->has_cpu_lanes && ct_timeline_cpus(request->timeline)->len > 0;
}

guint ct_layout_cpu_tint(uint32_t cpu)
{
    return 1 + cpu % CT_LAYOUT_CPU_TINTS;
}

/* May lie before the first column: the first bin may begin before the window. */
static double position(const struct lane_grid *grid, uint64_t time_ns)
{
    double distance_ns = time_ns >= grid->begin_ns ? (double)(time_ns - grid->begin_ns)
                                                   : -(double)(grid->begin_ns - time_ns);

    return distance_ns / grid->column_ns;
}

/* A bin that is wider than a column is the same in all of its columns. */
static void add_bin(struct lane_grid *grid, const struct ct_cpu_vote *bin, uint64_t begin_ns,
                    uint64_t width_ns)
{
    double begin = MAX(position(grid, begin_ns), 0);
    double end = MIN(position(grid, begin_ns + width_ns), grid->count);

    for (uint32_t i = (uint32_t)begin; i < grid->count && i < end; i++) {
        double part = (MIN(end, i + 1.0) - MAX(begin, i)) / (end - begin);
        const struct ct_cpu_vote vote = {bin->run_ns * part, bin->lead_ns * part, bin->cpu};

        if (part > 0)
            ct_cpu_vote_add(&grid->columns[i], &vote);
    }
}

static void fill_grid(struct lane_grid *grid, const struct ct_cpu_bins *bins)
{
    for (uint32_t i = 0; i < bins->count; i++)
        if (bins->bins[i].run_ns > 0)
            add_bin(grid, &bins->bins[i], (bins->first + i) << bins->shift,
                    UINT64_C(1) << bins->shift);
}

/* How much of a column the thread ran; 0 beyond the ends. */
static double share_of(const struct lane_grid *grid, int64_t index)
{
    if (index < 0 || index >= grid->count)
        return 0;
    return MIN(grid->columns[index].run_ns / grid->column_ns, 1);
}

static double sharpened_share(const struct lane_grid *grid, uint32_t index)
{
    double share = share_of(grid, index);
    double before = share_of(grid, (int64_t)index - 1), after = share_of(grid, (int64_t)index + 1);

    if (MAX(before, after) < full_share)
        return share;
    if (share >= 0.5)
        return 1;
    return MIN(before, after) > 0 ? share : 0;
}

static gboolean is_mixed(const struct lane_grid *grid, uint32_t index)
{
    const struct ct_cpu_vote *column = &grid->columns[index];

    return column->run_ns > 0 && column->lead_ns < least_lead_share * column->run_ns;
}

/* A lone column between two CPUs is where the thread moved, not a time of many moves. */
static guint tint_of(const struct lane_grid *grid, uint32_t index)
{
    gboolean is_alone = (index == 0 || !is_mixed(grid, index - 1)) &&
                        (index + 1 >= grid->count || !is_mixed(grid, index + 1));

    return is_mixed(grid, index) && !is_alone ? 0 : ct_layout_cpu_tint(grid->columns[index].cpu);
}

static gboolean continues(const struct ct_layout_stay *before, const struct ct_layout_stay *stay)
{
    return before->tint == stay->tint && before->height_px == stay->height_px &&
           (stay->tint == 0 || before->cpu == stay->cpu) &&
           before->x_px + before->width_px == stay->x_px;
}

static void emit_stays(struct ct_layout *layout, const struct lane_grid *grid, int row_index)
{
    const struct ct_layout_row *row = &g_array_index(layout->rows, struct ct_layout_row, row_index);
    guint first = layout->stays->len;
    /* A colour needs some area to be told from another. */
    double least_px = ceil(row->lane_height_px / 3);

    for (uint32_t i = 0; i < grid->count; i++) {
        const struct ct_cpu_vote *column = &grid->columns[i];
        double share = sharpened_share(grid, i);
        double height_px = MAX(least_px, floor(share * row->lane_height_px + 0.5));
        struct ct_layout_stay stay = {
            .row = row_index,
            .cpu = column->cpu,
            .tint = tint_of(grid, i),
            .x_px = layout->plot.x_px + (double)i * grid->column_px,
            .y_px = row->lane_y_px + row->lane_height_px - height_px,
            .width_px = grid->column_px,
            .height_px = height_px,
        };
        struct ct_layout_stay *last =
            layout->stays->len > first
                ? &g_array_index(layout->stays, struct ct_layout_stay, layout->stays->len - 1)
                : NULL;

        if (!(share > 0))
            continue;
        if (last && continues(last, &stay))
            last->width_px += stay.width_px;
        else
            g_array_append_val(layout->stays, stay);
    }
}

static void place_stays_of(struct ct_layout *layout, const struct ct_layout_request *request,
                           const struct ct_placed_lane *at, uint32_t column_px)
{
    const struct ct_layout_row *row = &g_array_index(layout->rows, struct ct_layout_row, at->row);
    double span_ns = (double)(request->window.end_ns - request->window.begin_ns);
    struct lane_grid grid = {
        .count = (uint32_t)(layout->plot.width_px / column_px),
        .column_px = column_px,
        .begin_ns = request->window.begin_ns,
    };

    if (!at->lane->waited || grid.count == 0 || !(span_ns > 0) || row->lane_height_px < 1)
        return;
    grid.column_ns = span_ns / grid.count;
    grid.columns = g_new0(struct ct_cpu_vote, grid.count);
    fill_grid(&grid, &at->lane->waited->cpus);
    emit_stays(layout, &grid, at->row);
    g_free(grid.columns);
}

static void place_label(struct ct_layout *layout, const struct ct_layout_request *request,
                        const struct ct_layout_stay *stay)
{
    const struct ct_layout_row *row = &g_array_index(layout->rows, struct ct_layout_row, stay->row);
    char *number = g_strdup_printf("%" PRIu32, stay->cpu);
    double number_px = ct_layout_measure(request, CT_TEXT_CPU, number);

    if (number_px + 2 * LABEL_PADDING_PX > stay->width_px) {
        g_free(number);
        return;
    }
    ct_layout_add_text(layout, (struct ct_layout_text){
                                   .text = number,
                                   .style = CT_TEXT_CPU,
                                   .x_px = stay->x_px + LABEL_PADDING_PX,
                                   .centre_y_px = row->lane_y_px + row->lane_height_px / 2,
                                   .width_px = number_px + 1,
                                   .row = stay->row,
                                   .cpu_tint = stay->tint,
                               });
}

/* The same number again only where the eye has lost it. */
static void place_labels(struct ct_layout *layout, const struct ct_layout_request *request,
                         guint row_limit)
{
    const struct ct_layout_stay *labelled = NULL;
    guint count = 0; /* in this row */

    for (guint i = 0; i < layout->stays->len; i++) {
        const struct ct_layout_stay *stay = &g_array_index(layout->stays, struct ct_layout_stay, i);
        const struct ct_layout_row *row =
            &g_array_index(layout->rows, struct ct_layout_row, stay->row);
        guint before = layout->texts->len;

        if (i == 0 || stay[-1].row != stay->row)
            count = 0;
        if (count >= row_limit || stay->tint == 0 || stay->height_px < row->lane_height_px ||
            row->lane_height_px < LABEL_LANE_PX)
            continue;
        if (labelled && labelled->row == stay->row && labelled->cpu == stay->cpu &&
            stay->x_px - labelled->x_px < LABEL_DISTANCE_PX)
            continue;
        place_label(layout, request, stay);
        if (layout->texts->len == before)
            continue;
        labelled = stay;
        count++;
    }
}

void ct_layout_place_stays(struct ct_layout *layout, const struct ct_layout_request *request,
                           const GArray *placed)
{
    if (!ct_layout_has_cpu_lanes(request))
        return;
    /* They come on top of the bars' boxes, and say less. */
    uint32_t column_px = 1;
    for (;; column_px *= 2) {
        g_array_set_size(layout->stays, 0);
        for (guint i = 0; i < placed->len; i++)
            place_stays_of(layout, request, &g_array_index(placed, struct ct_placed_lane, i),
                           column_px);
        if (request->box_limit == 0 || layout->stays->len <= request->box_limit / 2 ||
            column_px >= CT_WIDEST_COLUMN)
            break;
    }
    layout->lane_column_px = column_px;
    place_labels(layout, request, MAX(LABELS_MAX / MAX(placed->len, 1), 1));
}
