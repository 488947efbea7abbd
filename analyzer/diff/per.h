/* What counts and times are divided by, so that runs of different length can be compared. */
#ifndef CTRACE_DIFF_PER_H
#define CTRACE_DIFF_PER_H

#include "diff/digest.h"

enum ct_side { CT_OLD, CT_NEW, CT_SIDES };

enum ct_per_kind { CT_PER_SECOND, CT_PER_RUN, CT_PER_REQUEST, CT_PER_UNIT };

struct ct_per {
    enum ct_per_kind kind;
    double units[CT_SIDES]; /* of a run of each side, where the kind is UNIT */
};

/* What the options say, any of which may be NULL: "second", "run", "request" or a number; and
 * numbers for either side. */
gboolean ct_per_parse(const char *per, const char *per_old, const char *per_new,
                      struct ct_per *result, GError **error);

/* By what the run's sums are to be divided. 0: it has none of it. */
double ct_per_divisor(const struct ct_per *per, enum ct_side side, const struct ct_digest *digest);

/* "second", "run", "request" or "unit". */
const char *ct_per_name(const struct ct_per *per);

/* Those that are words. Free with g_strfreev(). */
char **ct_per_names(void);

/* "a second", "a request"; of a whole run, "". */
const char *ct_per_words(const struct ct_per *per);

#endif
