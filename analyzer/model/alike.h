/* Names of threads and processes that differ in numbers only, as those of a pool's workers do. */
#ifndef CTRACE_ALIKE_H
#define CTRACE_ALIKE_H

#include <glib.h>

/* Are they the same but for numbers? * counts as a number. */
gboolean ct_names_are_alike(const char *first, const char *second);

/* What two names that are alike have in common: "worker-*" of "worker-1" and "worker-2". `first`
 * may have * for numbers already. Free with g_free(). */
char *ct_names_merge(const char *first, const char *second);

#endif
