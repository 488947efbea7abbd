/* What the page is answered, beside http/answer.h. */
#ifndef CTRACE_VIEW_ANSWER_H
#define CTRACE_VIEW_ANSWER_H

#include <libsoup/soup.h>

/* Before anything else is said. */
void ct_view_answer_begin(SoupServerMessage *message);

void ct_view_answer_error(SoupServerMessage *message, guint status, const char *why);

/* The same question always has this answer. */
void ct_view_answer_for_ever(SoupServerMessage *message);

/* A file of the page; "": its first one. */
void ct_view_answer_page(SoupServerMessage *message, const char *name);

#endif
