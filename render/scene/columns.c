/* A thread's bar: its time by class, column by column, as boxes. */
#include "scene/steps.h"

#include "scene/grid.h"

#include <math.h>
#include <string.h>

/*
 * A thread's time is first summed into columns by class. Within a column the classes share the
 * height as they share the time, so that however fast they alternate, none hides another.
 */
struct column {
    double time_ns[CT_CLASS_COUNT];
    uint16_t height_px[CT_CLASS_COUNT];
    uint32_t wait; /* 1 + index of the one wait that fills the column, or 0 */
};

/* Running below less than this share is the edge of a wait, or rounding. */
static const double least_running_share = 0.002;

struct chart {
    struct ct_grid grid;
    struct column *columns; /* borrowed */
};

static void spread(struct chart *chart, enum ct_class class, const struct ct_grid_span *span,
                   double amount_ns)
{
    for (uint32_t i = span->first; i < span->past; i++)
        chart->columns[i].time_ns[class] += ct_grid_share(span, i) * amount_ns;
}

static void add_waits(struct chart *chart, const struct ct_timeline_thread *waited)
{
    for (uint32_t i = 0; i < waited->wait_count; i++) {
        const struct ct_timeline_wait *wait = &waited->waits[i];
        struct ct_grid_span span = ct_grid_span(&chart->grid, wait->begin_ns, wait->end_ns);

        spread(chart, wait->class, &span, (double)(wait->end_ns - wait->begin_ns));
        for (uint32_t j = span.full_first; j < span.full_past; j++)
            chart->columns[j].wait = i + 1;
    }
}

static void add_bins(struct chart *chart, const struct ct_lane *lane)
{
    const struct ct_bins *bins = &lane->waited->bins;
    for (uint32_t i = 0; i < bins->count; i++) {
        /* No wait lies outside the thread's life, so a bin at its end is shorter. */
        uint64_t bin_begin_ns = ct_bins_begin_ns(bins, i), width_ns = ct_bins_width_ns(bins);
        uint64_t begin_ns = MAX(bin_begin_ns, lane->alive.begin_ns);
        uint64_t end_ns = lane->alive.end_ns;
        if (end_ns > bin_begin_ns && end_ns - bin_begin_ns > width_ns)
            end_ns = bin_begin_ns + width_ns;
        struct ct_grid_span span = ct_grid_span(&chart->grid, begin_ns, end_ns);
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            if (bins->time_ns[class] && bins->time_ns[class][i])
                spread(chart, class, &span, (double)bins->time_ns[class][i]);
    }
}

/* What is no wait is running; or something else, where only some waits are shown. */
static void add_running(struct chart *chart, const struct ct_lane *lane)
{
    if (lane->alive.begin_ns >= lane->alive.end_ns)
        return;
    struct ct_grid_span alive =
        ct_grid_span(&chart->grid, lane->alive.begin_ns, lane->alive.end_ns);
    for (uint32_t i = alive.first; i < alive.past; i++) {
        double alive_ns = ct_grid_covered(&alive, i) * chart->grid.column_ns;
        double waited_ns = 0;
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            waited_ns += chart->columns[i].time_ns[class];
        double running_ns = alive_ns - waited_ns;
        if (running_ns > least_running_share * alive_ns || waited_ns == 0)
            chart->columns[i].time_ns[CT_CLASS_RUNNING] += MAX(running_ns, 0);
    }
}

static struct column *fill(struct chart *chart, const struct ct_lane *lane)
{
    chart->columns = g_new0(struct column, chart->grid.count);
    if (lane->waited) {
        add_waits(chart, lane->waited);
        add_bins(chart, lane);
    }
    add_running(chart, lane);
    return chart->columns;
}

void ct_columns_add(const struct ct_lane *lane, const struct ct_grid *grid,
                    struct ct_class_times *columns)
{
    struct chart chart = {.grid = *grid};
    g_autofree struct column *filled = fill(&chart, lane);

    for (uint32_t i = 0; i < grid->count; i++)
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            columns[i].time_ns[class] += filled[i].time_ns[class];
}

/* Whole pixels by share of time, at least one for each class that has any. */
static void share_height(struct column *column, uint32_t bar_height_px)
{
    double total_ns = 0;
    int present = 0;
    for (int class = 0; class < CT_CLASS_COUNT; class ++) {
        total_ns += column->time_ns[class];
        present += column->time_ns[class] > 0;
    }
    if (present == 0)
        return;

    double spare_px = (double)bar_height_px - present;
    int64_t left_px = bar_height_px;
    enum ct_class largest = 0;
    for (int i = 0; i < CT_CLASS_COUNT; i++) {
        /* Waits are served before running, should there be fewer pixels than classes. */
        enum ct_class class = CT_CLASS_COUNT - 1 - i;
        if (!(column->time_ns[class] > 0))
            continue;
        double share = column->time_ns[class] / total_ns;
        int64_t height_px = 1 + (int64_t)floor(MAX(spare_px, 0) * share + 1e-9);
        column->height_px[class] = MIN(height_px, left_px);
        left_px -= column->height_px[class];
        if (column->time_ns[class] >= column->time_ns[largest])
            largest = class;
    }
    column->height_px[largest] += left_px;
}

static gboolean only_class(const struct column *column, enum ct_class *only)
{
    int present = 0;
    *only = CT_CLASS_UNKNOWN;
    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        if (column->height_px[class]) {
            present++;
            *only = class;
        }
    return present == 1;
}

/* A column that is nothing but the border between its neighbours joins the larger. */
static void sharpen_edges(struct chart *chart)
{
    for (uint32_t i = 1; i + 1 < chart->grid.count; i++) {
        struct column *here = &chart->columns[i];
        enum ct_class before, after, only;
        if (!only_class(here - 1, &before) || !only_class(here + 1, &after) || before == after ||
            only_class(here, &only))
            continue;
        double others_ns = 0;
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            if (class != (int)before && class != (int)after)
                others_ns += here->time_ns[class];
        if (others_ns > 0)
            continue;
        const struct column *joined =
            here->time_ns[before] >= here->time_ns[after] ? here - 1 : here + 1;
        memcpy(here->height_px, joined->height_px, sizeof(here->height_px));
        here->wait = joined->wait;
    }
}

/* Grows the box of one class from column to column, and hands it over when it changes. */
struct run {
    uint32_t begin;
    uint32_t height_px; /* 0: none */
    uint32_t bottom_px; /* above the bar's lower edge */
    uint32_t wait;
};

static void end_run(const struct run *run, enum ct_class class, uint32_t end,
                    const struct ct_lane *lane, const struct ct_columns_place *place, GArray *boxes)
{
    if (run->height_px == 0 || (place->is_of_some && class == CT_CLASS_RUNNING))
        return;
    struct ct_scene_box box = {
        .class = class,
        .x_px = place->x_px + run->begin * place->column_px,
        .width_px = (end - run->begin) * place->column_px,
        .y_px = place->bar_y_px + place->bar_height_px - run->bottom_px - run->height_px,
        .height_px = run->height_px,
        .wait = run->wait != 0 && lane->waited ? &lane->waited->waits[run->wait - 1] : NULL,
    };
    g_array_append_val(boxes, box);
}

static void emit_boxes(const struct chart *chart, const struct ct_lane *lane,
                       const struct ct_columns_place *place, GArray *boxes)
{
    struct run runs[CT_CLASS_COUNT] = {0};
    for (uint32_t i = 0; i <= chart->grid.count; i++) {
        static const struct column nothing;
        const struct column *column = i < chart->grid.count ? &chart->columns[i] : &nothing;
        uint32_t bottom_px = 0;
        for (size_t j = 0; j < CT_CLASS_COUNT; j++) {
            enum ct_class class = ct_scene_stacking[j];
            struct run *run = &runs[class],
                       next = {
                           .begin = i,
                           .height_px = column->height_px[class],
                           .bottom_px = bottom_px,
                           .wait =
                               column->height_px[class] == place->bar_height_px ? column->wait : 0,
                       };
            bottom_px += next.height_px;
            if (run->height_px == next.height_px && run->bottom_px == next.bottom_px &&
                run->wait == next.wait)
                continue;
            end_run(run, class, i, lane, place, boxes);
            *run = next;
        }
    }
}

void ct_columns_place_boxes(const struct ct_lane *lane, const struct ct_columns_place *place,
                            GArray *boxes)
{
    struct chart chart;

    if (!ct_grid_init(&chart.grid, &place->window, place->count))
        return;
    g_autofree struct column *filled = fill(&chart, lane);

    for (uint32_t i = 0; i < chart.grid.count; i++)
        share_height(&filled[i], place->bar_height_px);
    sharpen_edges(&chart);
    emit_boxes(&chart, lane, place, boxes);
}
