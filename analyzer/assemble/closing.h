/* Events that the recorder writes when the trace is cut. They name the image that they speak of. */
#ifndef CTRACE_ASSEMBLE_CLOSING_H
#define CTRACE_ASSEMBLE_CLOSING_H

#include "assemble/trackers.h"

gboolean ct_is_closing(enum ct_event event);

/* FALSE: the trace is of a newer version than ours. */
gboolean ct_closing_add(const struct ct_trackers *trackers, const struct ct_record *record,
                        GError **error);

#endif
