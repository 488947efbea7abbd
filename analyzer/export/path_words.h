/* What a stretch of the critical path is called. Free strings with g_free(). */
#ifndef CTRACE_EXPORT_PATH_WORDS_H
#define CTRACE_EXPORT_PATH_WORDS_H

#include "summary/report.h"

/* "main (7) in pthread_join on thread 9 (worker): it had been let go on". `object` may be NULL. */
char *ct_path_words_of(const struct ct_report *report, const struct ct_path_stretch *stretch,
                       const char *object);

/* "; let go on by pthread_mutex_unlock in serve_page (convoy.c:35)"; "" where nothing is to be said
 * of how the path came there. */
char *ct_path_words_via(const struct ct_report *report, const struct ct_path_stretch *stretch);

#endif
