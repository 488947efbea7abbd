/*
 * The parts of a recording whose oldest ones may be gone (record --keep=newest). At the begin of
 * each the recorder says what was there; of the oldest one that is left, that is all that is known
 * of what came before.
 */
#ifndef CTRACE_ASSEMBLE_RESTATED_H
#define CTRACE_ASSEMBLE_RESTATED_H

#include "assemble/trackers.h"
#include "source/record.h"

struct ct_restated;

struct ct_restated *ct_restated_new(void);
void ct_restated_free(struct ct_restated *restated);

/* TRUE if the event, one of the provider's, needs nothing else: it begins a part, or belongs to
 * what is said there. */
gboolean ct_restated_add(struct ct_restated *restated, const struct ct_trackers *trackers,
                         const struct ct_record *record);

/* At the end: what was counted before the oldest part goes from what was counted in all. */
void ct_restated_settle(const struct ct_model *model);

#endif
