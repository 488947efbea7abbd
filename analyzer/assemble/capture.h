/* What the recorder says of the capture as a whole, and what it means for what was lost. */
#ifndef CTRACE_ASSEMBLE_CAPTURE_H
#define CTRACE_ASSEMBLE_CAPTURE_H

#include "assemble/extent.h"
#include "schema/events.h"

struct ct_told_capture;

/* Both are borrowed. */
struct ct_told_capture *ct_told_capture_new(struct ct_model *model, struct ct_extent *extent);
void ct_told_capture_free(struct ct_told_capture *told);

/* A wait event is in the trace. */
void ct_told_capture_count_wait(struct ct_told_capture *told);
/* FALSE: it is of a newer version than ours. */
gboolean ct_told_capture_add(struct ct_told_capture *told, uint64_t now_ns,
                             const struct ct_event_capture *event, GError **error);
void ct_told_capture_add_unseen(struct ct_told_capture *told, const struct ct_event_unseen *event);
/* At the end. */
void ct_told_capture_settle(const struct ct_told_capture *told);

#endif
