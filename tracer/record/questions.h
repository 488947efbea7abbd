/* What a recorder is asked for while it records, by other programs of the same user. */
#ifndef CTRACE_RECORD_QUESTIONS_H
#define CTRACE_RECORD_QUESTIONS_H

#include "recording.h"

#include <glib.h>

struct ct_questions;

/*
 * For a moment of the recording, see moment.h; and at the socket `standby`, if that is not NULL,
 * for what is said in standby.h: "begin", "rest", "snapshot OUT". `recording` is borrowed. NULL and
 * an error: nobody can ask.
 */
struct ct_questions *ct_questions_new(struct ct_recording *recording, const char *standby,
                                      GError **error);

/* It is in standby, and nobody has asked for more than that. */
gboolean ct_questions_rest(const struct ct_questions *questions);

/* Readable when something has come. -1: of NULL. */
int ct_questions_fd(const struct ct_questions *questions);

/* Then: answers what can be answered, which may take a moment. */
void ct_questions_serve(struct ct_questions *questions);

void ct_questions_free(struct ct_questions *questions);

#endif
