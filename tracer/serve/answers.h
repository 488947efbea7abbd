/*
 * What is recorded to answer a question, and read by the command that answers it, not by the agent
 * itself. For one thread, which has a main loop; no HTTP here.
 */
#ifndef CTRACE_SERVE_ANSWERS_H
#define CTRACE_SERVE_ANSWERS_H

#include "serve/question.h"
#include "serve/served.h"

struct ct_answers;
struct ct_answer;

/* NULL: an error. `programs` is the folder that the commands are in; with `has_program` a recorder
 * is in standby, at the places that are told next, as long as the program that is served runs; or,
 * with `kept`, the path of its recording, records at all times, whoever is served. */
struct ct_answers *ct_answers_new(const char *programs, gboolean has_program, const char *kept,
                                  GError **error);
/* Where its recording is to lie, and where it is to be asked. Borrowed. */
const char *ct_answers_living(const struct ct_answers *answers);
const char *ct_answers_standby(const struct ct_answers *answers);
/* Ends what runs, and waits for that. Nobody is called back any more. */
void ct_answers_free(struct ct_answers *answers);

struct ct_answer_result {
    const char *type; /* borrowed, as is all of it */
    const char *file; /* a name for it as a file; NULL: it is to be read as it is */
    GBytes *body;
};

/* `result` is NULL where there is an error, whose code is a status of HTTP. */
typedef void ct_answer_done(void *user, const struct ct_answer_result *result, const GError *error);

/* `done` is called once, and then the answer is gone; not before this has returned. NULL: an
 * error. */
struct ct_answer *ct_answer_start(struct ct_answers *answers, const struct ct_question *question,
                                  const struct ct_served_targets *targets, ct_answer_done *done,
                                  void *user, GError **error);
/* Nobody wants it any more: `done` is not called, and a recording that was for nobody else ends. */
void ct_answer_cancel(struct ct_answer *answer);

#endif
