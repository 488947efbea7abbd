/* How changes are put into words. Free strings with g_free(). */
#ifndef CTRACE_DIFF_WORDS_H
#define CTRACE_DIFF_WORDS_H

#include "diff/compare.h"

/* "1.20 ms"; of a count, "1,234" or "0.0123". */
char *ct_words_value(gboolean is_time, double value);

/* "19 times less", "12 % more", "the same"; of a row that one side lacks, "all of it is new" and
 * "none is left". */
char *ct_words_direction(double old, double new);

/* "between 1.2 ms and 3 ms less"; "" where there is no interval. */
char *ct_words_interval(gboolean is_time, const struct ct_shift *shift);

/* "p = 0.008" */
char *ct_words_p(double p);

#endif
