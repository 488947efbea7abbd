/* The intervals of which a file keeps all that is known: the longest ones that can be seen in it,
 * and whoever ended those, and so on back. */
#ifndef CTRACE_HTML_DETAILS_H
#define CTRACE_HTML_DETAILS_H

#include "view/html/keeper.h"

/* While there is room for them. `seen`: struct ct_html_seen, the longest first. FALSE: an error. */
gboolean ct_html_keep_details(struct ct_html_keeper *keeper, JsonObject *overview,
                              const GArray *seen, GError **error);

#endif
