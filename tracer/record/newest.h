/* A recording that keeps its newest part: new parts of it begin, and the oldest ones go. */
#ifndef CTRACE_RECORD_NEWEST_H
#define CTRACE_RECORD_NEWEST_H

#include "recording_state.h"

/* From the beginning of the recording. FALSE and an error if its disk cannot. */
gboolean ct_newest_begin(struct ct_recording *recording, const struct ct_record_options *options,
                         GError **error);

/* What is recorded from now on was asked for; what was before, was not. It goes by
 * ct_newest_drop_older(). */
void ct_newest_begin_first(struct ct_recording *recording);

/* To be called often: drops what is too much. FALSE if that cannot be done. */
gboolean ct_newest_trim(struct ct_recording *recording);

/* All parts but the newest one go. FALSE if that cannot be done. */
gboolean ct_newest_drop_older(struct ct_recording *recording);

/* What is kept has so many bytes on the disk. */
uint64_t ct_newest_size(const struct ct_recording *recording);

/* Once it is finished: that is more than was asked for, and a part more. */
gboolean ct_newest_exceeds(const struct ct_recording *recording);

/* What was counted of what is kept. */
void ct_newest_totals(const struct ct_recording *recording, struct ct_closing_totals *totals);

/* Once all is written: the recording begins with what was kept. FALSE and errno. */
gboolean ct_newest_close_up(const struct ct_recording *recording);

#endif
