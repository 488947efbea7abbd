#include "scene/steps.h"

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

const enum ct_class ct_layout_stacking[CT_CLASS_COUNT] = {
    CT_CLASS_RUNNING, CT_CLASS_RUNNABLE, CT_CLASS_SYSCALL, CT_CLASS_SYNC,
    CT_CLASS_NET,     CT_CLASS_SLEEP,    CT_CLASS_OTHER,   CT_CLASS_UNKNOWN,
};

/* Columns, and how time maps to them. */
struct grid {
    struct column *columns; /* owned; `count` */
    uint32_t count;
    uint64_t begin_ns;
    double columns_per_ns;
};

static double position(const struct grid *grid, uint64_t time_ns)
{
    double distance_ns = time_ns > grid->begin_ns ? (double)(time_ns - grid->begin_ns) : 0;
    return MIN(distance_ns * grid->columns_per_ns, grid->count);
}

/* Spreads `amount_ns` evenly over the columns between two positions. */
static void spread(struct grid *grid, enum ct_class class, double begin, double end,
                   double amount_ns)
{
    if (!(end > begin))
        return;
    double per_column = amount_ns / (end - begin);
    for (uint32_t i = begin; i < grid->count && i < end; i++) {
        double part = MIN(end, i + 1.0) - MAX(begin, i);
        if (part > 0)
            grid->columns[i].time_ns[class] += part * per_column;
    }
}

static void add_waits(struct grid *grid, const struct ct_timeline_thread *waited)
{
    for (uint32_t i = 0; i < waited->wait_count; i++) {
        const struct ct_timeline_wait *wait = &waited->waits[i];
        double begin = position(grid, wait->begin_ns), end = position(grid, wait->end_ns);
        spread(grid, wait->class, begin, end, wait->end_ns - wait->begin_ns);
        /* A column that is but rounding away from full counts as full. */
        for (double at = ceil(begin - 1e-6); at + 1 <= end + 1e-6 && at < grid->count; at++)
            grid->columns[(uint32_t)at].wait = i + 1;
    }
}

static void add_bins(struct grid *grid, const struct ct_lane *lane)
{
    const struct ct_bins *bins = &lane->waited->bins;
    for (uint32_t i = 0; i < bins->count; i++) {
        /* No wait lies outside the thread's life, so a bin at its end is shorter. */
        uint64_t bin_begin_ns = ct_bins_begin_ns(bins, i), width_ns = ct_bins_width_ns(bins);
        uint64_t begin_ns = MAX(bin_begin_ns, lane->alive.begin_ns);
        uint64_t end_ns = lane->alive.end_ns;
        if (end_ns > bin_begin_ns && end_ns - bin_begin_ns > width_ns)
            end_ns = bin_begin_ns + width_ns;
        double begin = position(grid, begin_ns), end = position(grid, end_ns);
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            if (bins->time_ns[class] && bins->time_ns[class][i])
                spread(grid, class, begin, MAX(end, begin + 1e-3), bins->time_ns[class][i]);
    }
}

/* What is no wait is running. */
static void add_running(struct grid *grid, const struct ct_lane *lane)
{
    double begin = position(grid, lane->alive.begin_ns);
    double end = position(grid, lane->alive.end_ns);
    for (uint32_t i = begin; i < grid->count && i < end; i++) {
        double column_ns = 1 / grid->columns_per_ns;
        double alive_ns = (MIN(end, i + 1.0) - MAX(begin, i)) * column_ns;
        double waited_ns = 0;
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            waited_ns += grid->columns[i].time_ns[class];
        double running_ns = alive_ns - waited_ns;
        if (running_ns > least_running_share * alive_ns || waited_ns == 0)
            grid->columns[i].time_ns[CT_CLASS_RUNNING] += MAX(running_ns, 0);
    }
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
static void sharpen_edges(struct grid *grid)
{
    for (uint32_t i = 1; i + 1 < grid->count; i++) {
        struct column *here = &grid->columns[i];
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
    if (run->height_px == 0)
        return;
    struct ct_layout_box box = {
        .class = class,
        .x_px = place->x_px + run->begin * place->column_px,
        .width_px = (end - run->begin) * place->column_px,
        .y_px = place->bar_y_px + place->bar_height_px - run->bottom_px - run->height_px,
        .height_px = run->height_px,
        .wait = run->wait != 0 && lane->waited ? &lane->waited->waits[run->wait - 1] : NULL,
    };
    g_array_append_val(boxes, box);
}

static void emit_boxes(const struct grid *grid, const struct ct_lane *lane,
                       const struct ct_columns_place *place, GArray *boxes)
{
    struct run runs[CT_CLASS_COUNT] = {0};
    for (uint32_t i = 0; i <= grid->count; i++) {
        static const struct column nothing;
        const struct column *column = i < grid->count ? &grid->columns[i] : &nothing;
        uint32_t bottom_px = 0;
        for (size_t j = 0; j < CT_CLASS_COUNT; j++) {
            enum ct_class class = ct_layout_stacking[j];
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
    double span_ns = (double)(place->window.end_ns - place->window.begin_ns);
    if (place->count == 0 || !(span_ns > 0))
        return;
    struct grid grid = {
        .columns = g_new0(struct column, place->count),
        .count = place->count,
        .begin_ns = place->window.begin_ns,
        .columns_per_ns = place->count / span_ns,
    };
    if (lane->waited) {
        add_waits(&grid, lane->waited);
        add_bins(&grid, lane);
    }
    add_running(&grid, lane);
    for (uint32_t i = 0; i < grid.count; i++)
        share_height(&grid.columns[i], place->bar_height_px);
    sharpen_edges(&grid);
    emit_boxes(&grid, lane, place, boxes);
    g_free(grid.columns);
}
