#include "scene/grid.h"

#include <math.h>

/* In columns: by so much rounding may move a position. */
#define ROUNDING 1e-6

gboolean ct_grid_init(struct ct_grid *grid, const struct ct_window *window, double count)
{
    double span_ns = (double)(window->end_ns - window->begin_ns);

    *grid = (struct ct_grid){.count = (uint32_t)count, .begin_ns = window->begin_ns};
    if (grid->count == 0 || !(span_ns > 0))
        return FALSE;
    grid->column_ns = span_ns / grid->count;
    return TRUE;
}

static double position(const struct ct_grid *grid, uint64_t time_ns)
{
    double distance_ns = time_ns > grid->begin_ns ? (double)(time_ns - grid->begin_ns) : 0;

    return MIN(distance_ns / grid->column_ns, grid->count);
}

struct ct_grid_span ct_grid_span(const struct ct_grid *grid, uint64_t begin_ns, uint64_t end_ns)
{
    double begin = position(grid, begin_ns);
    double end = MAX(position(grid, end_ns), begin + ROUNDING);
    /* A column that is but rounding away from full counts as full. */
    double full_first = ceil(begin - ROUNDING), full_past = floor(end + ROUNDING);

    return (struct ct_grid_span){
        .begin = begin,
        .end = end,
        .first = (uint32_t)begin,
        .past = MIN((uint32_t)ceil(end), grid->count),
        .full_first = (uint32_t)full_first,
        .full_past = MIN((uint32_t)full_past, grid->count),
    };
}

double ct_grid_covered(const struct ct_grid_span *span, uint32_t column)
{
    return MAX(MIN(span->end, column + 1.0) - MAX(span->begin, column), 0);
}

double ct_grid_share(const struct ct_grid_span *span, uint32_t column)
{
    return ct_grid_covered(span, column) / (span->end - span->begin);
}
