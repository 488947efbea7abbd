#include "assemble/extent.h"

struct ct_extent {
    struct ct_model *model; /* borrowed */
    gboolean is_told;
    uint64_t first_ns; /* UINT64_MAX: nothing has happened */
    uint64_t last_ns;
    uint64_t last_wait_end_ns; /* over all threads */
    uint64_t dropped_ns;       /* what was before is gone; 0: nothing is */
};

struct ct_extent *ct_extent_new(struct ct_model *model)
{
    struct ct_extent *extent = g_new0(struct ct_extent, 1);

    extent->model = model;
    extent->first_ns = UINT64_MAX;
    return extent;
}

void ct_extent_free(struct ct_extent *extent)
{
    g_free(extent);
}

void ct_extent_begin(struct ct_extent *extent, uint64_t time_ns)
{
    extent->first_ns = MIN(extent->first_ns, time_ns);
}

void ct_extent_reach(struct ct_extent *extent, uint64_t time_ns)
{
    extent->last_ns = MAX(extent->last_ns, time_ns);
}

void ct_extent_add_wait(struct ct_extent *extent, uint64_t begin_ns, uint64_t end_ns)
{
    ct_extent_begin(extent, begin_ns);
    extent->last_wait_end_ns = MAX(extent->last_wait_end_ns, end_ns);
}

void ct_extent_drop_before(struct ct_extent *extent, uint64_t time_ns)
{
    extent->dropped_ns = time_ns;
    ct_extent_begin(extent, time_ns);
}

uint64_t ct_extent_dropped_ns(const struct ct_extent *extent)
{
    return extent->dropped_ns;
}

gboolean ct_extent_is_dropped(const struct ct_extent *extent, uint64_t end_ns)
{
    return extent->dropped_ns != 0 && end_ns <= extent->dropped_ns;
}

void ct_extent_tell(struct ct_extent *extent, uint64_t begin_ns, uint64_t end_ns)
{
    extent->is_told = TRUE;
    extent->model->begin_ns = begin_ns;
    extent->model->end_ns = end_ns;
}

void ct_extent_settle(const struct ct_extent *extent)
{
    struct ct_model *model = extent->model;

    if (!extent->is_told) {
        model->begin_ns =
            extent->first_ns == UINT64_MAX ? MIN(extent->last_ns, model->end_ns) : extent->first_ns;
        /* What was brought out after the end, by whoever finished it, comes late and belongs
         * before. */
        model->end_ns = MAX(model->end_ns, extent->last_ns);
    }
    model->begin_ns = MAX(model->begin_ns, extent->dropped_ns);
    model->end_ns = MAX(MAX(model->end_ns, extent->last_wait_end_ns), model->begin_ns);
    /* It was delayed, and ended before it began. */
    if (extent->is_told && model->begin_ns == 0)
        model->begin_ns = model->end_ns;
}
