/* How findings are put into words, and become findings. Free strings with g_free(). */
#ifndef CTRACE_FINDINGS_WORDS_H
#define CTRACE_FINDINGS_WORDS_H

#include "passes/findings/gatherings.h"

/* "thread worker-1 (101)", "4 threads worker-*", "5 threads (worker-1, main and 3 more)"; of struct
 * ct_thread *. */
char *ct_words_threads(const GPtrArray *threads);

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

/* "--thread='worker-*'", or all of their process: who they are, as options; NULL for many. */
char *ct_words_options(const GPtrArray *threads);

/* Takes the text and the options, which may be NULL; the command is a constant. What it returns is
 * the findings'. */
struct ct_finding *ct_finding_add(GPtrArray *findings, const char *rule,
                                  const struct ct_gathering *gathering, char *text,
                                  const char *command, char *options);

#endif
