/* When the recording began and ended: as its recorder says, else as far as anything happened. */
#ifndef CTRACE_ASSEMBLE_EXTENT_H
#define CTRACE_ASSEMBLE_EXTENT_H

#include "model/model.h"

struct ct_extent;

/* `model` is borrowed. */
struct ct_extent *ct_extent_new(struct ct_model *model);
void ct_extent_free(struct ct_extent *extent);

/* Something was there already then. */
void ct_extent_begin(struct ct_extent *extent, uint64_t time_ns);
/* Something happened then. */
void ct_extent_reach(struct ct_extent *extent, uint64_t time_ns);
void ct_extent_add_wait(struct ct_extent *extent, uint64_t begin_ns, uint64_t end_ns);
/* What was before is not in the recording any more. */
void ct_extent_drop_before(struct ct_extent *extent, uint64_t time_ns);
/* Until then; 0: all of it is there. */
uint64_t ct_extent_dropped_ns(const struct ct_extent *extent);
/* What ended then is gone, even if it came late, into the part that was kept. */
gboolean ct_extent_is_dropped(const struct ct_extent *extent, uint64_t end_ns);
/* The recorder's word. */
void ct_extent_tell(struct ct_extent *extent, uint64_t begin_ns, uint64_t end_ns);
/* The model's begin and end are known from here on. */
void ct_extent_settle(const struct ct_extent *extent);

#endif
