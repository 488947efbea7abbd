/* By which commands a recording becomes the answer to a question. No I/O. */
#ifndef CTRACE_SERVE_READERS_H
#define CTRACE_SERVE_READERS_H

#include "serve/question.h"

struct ct_reading {
    const struct ct_reader *reader; /* borrowed */
    char *file;                     /* owned; what is the answer; NULL: what the last one wrote */
    const char *type;
    char *name;       /* owned; of the answer as a file; or NULL */
    char *profile;    /* owned; or NULL, as is the next */
    char *process;    /* as an option */
    guint64 pause_ms; /* that it has between its steps */
    guint step;
    guint kept_step; /* before those, of what is kept at all times */
    gboolean is_kept;
    guint64 last_ms; /* so much of it */
};

/* `folder` is where the answer may be written; with `is_of_all` the recording has more processes
 * than may be asked for. Free with ct_reading_free(), which takes NULL. */
struct ct_reading *ct_reading_new(const struct ct_question *question, const char *folder,
                                  gboolean is_of_all);
void ct_reading_free(struct ct_reading *reading);

/* It is of the recording that goes on: of the time that the question asks for. */
void ct_reading_begin_kept(struct ct_reading *reading, const struct ct_question *question);

/* Where everything is. Borrowed. */
struct ct_reading_places {
    const char *programs;
    const char
        *directory; /* of the recording that is read; of a living one, where its snapshot goes */
    const char *living; /* one that goes on; or NULL */
};

/* The next command to be run; the caller frees it. NULL: the answer is there. */
char **ct_reading_next(struct ct_reading *reading, const struct ct_reading_places *places);

#endif
