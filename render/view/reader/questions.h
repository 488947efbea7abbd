/* The questions that there are, by name. */
#ifndef CTRACE_VIEW_QUESTIONS_H
#define CTRACE_VIEW_QUESTIONS_H

#include "view/reader/reader.h"

/* "NAME" or "NAME?PARAMETERS", as in a URL. FALSE: as each question says. */
gboolean ct_view_ask(struct ct_view_reader *reader, const char *question,
                     struct ct_view_answer *answer, GError **error);

/* What was built, as text that is harmless wherever it is shown. Free with g_free(). */
char *ct_view_json_text(JsonBuilder *json);

#endif
