/* What was waited for, for the overview. */
#ifndef CTRACE_VIEW_WAITED_H
#define CTRACE_VIEW_WAITED_H

#include "view/reader/reader.h"

/* Adds objects[] and object_count: in the window, or in all of the recording (NULL). FALSE: an
 * error. */
gboolean ct_view_add_objects(const struct ct_view_reader *reader, const struct ct_window *window,
                             JsonBuilder *json, GError **error);

#endif
