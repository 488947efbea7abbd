/*
 * What a file keeps of a recording: questions of the page, each with its answer, as elements that
 * nothing takes for markup. They are put together in pieces, which are kept as a whole or not at
 * all: there is only so much room.
 */
#ifndef CTRACE_HTML_KEEPER_H
#define CTRACE_HTML_KEEPER_H

#include "model/activity.h"
#include "view/reader/reader.h"

struct ct_html_keeper {
    struct ct_view_reader *reader; /* borrowed, as is the next */
    struct ct_activity *activity;
    GString *text; /* owned; the elements */
    uint64_t room; /* bytes that may still come */
};

/* The answer of a reader. NULL: an error, of CT_VIEW_ERROR if there is none to that question. The
 * caller owns it. */
GBytes *ct_html_ask(const struct ct_html_keeper *keeper, const char *question, GError **error);

/* Adds an element to a piece. FALSE: an error. */
gboolean ct_html_put(GString *piece, const char *question, GBytes *answer, GError **error);

/* Both. What has no answer is left out. FALSE: an error, the store's. */
gboolean ct_html_put_asked(const struct ct_html_keeper *keeper, GString *piece,
                           const char *question, GError **error);

/* FALSE: there is no room for it. */
gboolean ct_html_keep(struct ct_html_keeper *keeper, const GString *piece);

#endif
