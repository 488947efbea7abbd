/* A window's time in columns of equal width, and how a stretch of time spreads over them. */
#ifndef CTRACE_GRID_H
#define CTRACE_GRID_H

#include "model/timeline.h"

struct ct_grid {
    uint32_t count; /* of columns */
    uint64_t begin_ns;
    double column_ns; /* how long each is */
};

/* FALSE: there are no columns, or no time. */
gboolean ct_grid_init(struct ct_grid *grid, const struct ct_window *window, double count);

/* A stretch of time inside the window, counted in columns. Never empty, since time that lies
 * nowhere would be lost. */
struct ct_grid_span {
    double begin;
    double end;
    uint32_t first;      /* the columns that it touches: from this one on */
    uint32_t past;       /* ... up to before this one */
    uint32_t full_first; /* the columns that it fills, the same */
    uint32_t full_past;
};

struct ct_grid_span ct_grid_span(const struct ct_grid *grid, uint64_t begin_ns, uint64_t end_ns);

/* How much of this column the span covers, and how much of the span lies in it: 0 to 1. */
double ct_grid_covered(const struct ct_grid_span *span, uint32_t column);
double ct_grid_share(const struct ct_grid_span *span, uint32_t column);

#endif
