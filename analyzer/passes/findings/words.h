/* How findings are put into words, and become findings. Free strings with g_free(). */
#ifndef CTRACE_FINDINGS_WORDS_H
#define CTRACE_FINDINGS_WORDS_H

#include "passes/findings/gatherings.h"

/* "thread worker-1 (101)", "4 threads worker-*", "5 threads (worker-1, main and 3 more)"; of struct
 * ct_thread *. */
char *ct_words_threads(const GPtrArray *threads);

/* What all of their names have in common, as "worker-*", of struct ct_thread *; NULL: they are not
 * alike. */
char *ct_words_name(const GPtrArray *threads);

/* The same for threads of one kind: of one program, whose names differ in numbers alone. */
char *ct_words_kind(const struct ct_thread *thread);

/* "3.02 s"; of weighted times. */
char *ct_words_time(double time_ns);

/* "2.57 s (66 % of their time)". */
char *ct_words_time_of(const struct ct_findings_case *a_case, const struct ct_gathering *gathering);

/* "once", "2,000 times, 1.20 ms each and 7.00 ms at most". */
char *ct_words_count(const struct ct_gathering *gathering);

/* ", mostly in serve_page (convoy.c:33)"; "" where it is unknown. */
char *ct_words_where(const struct ct_gathering *gathering);

/* "mutex journal", "mutex 0x7000": what that operation of the process was for. */
char *ct_words_lock(const struct ct_findings_input *input, const struct ct_process *process,
                    enum ct_op op, uint64_t object, uint64_t time_ns);

/* Takes the text; the command is a constant, and of `whom`, struct ct_thread *, or NULL: of
 * everybody. What it returns is the findings'. */
struct ct_finding *ct_finding_add(GPtrArray *findings, const char *rule,
                                  const struct ct_gathering *gathering, char *text,
                                  const char *command, const GPtrArray *whom);

#endif
