/* The recordings that the two sides of a comparison are made of. */
#ifndef CTRACE_COMMANDS_DIFF_SIDES_H
#define CTRACE_COMMANDS_DIFF_SIDES_H

#include <glib.h>

/* "a,b": directories; each may also be a pattern, "runs/old-*", or one that has several recordings
 * in it, which are all meant. Strings, owned by the list. NULL: an error. */
GPtrArray *ct_diff_side_list(const char *text, GError **error);

/* A run counts once: FALSE where one is named twice, on whichever side, or a side has more than can
 * be compared. */
gboolean ct_diff_sides_check(const GPtrArray *old, const GPtrArray *new, GError **error);

#endif
