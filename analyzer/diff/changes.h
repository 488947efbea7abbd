/* What a comparison is told by first: the causes whose time changed most, and the requests and
 * calls that take longer or shorter, in plain words. */
#ifndef CTRACE_DIFF_CHANGES_H
#define CTRACE_DIFF_CHANGES_H

#include "diff/compare.h"

#define CT_CHANGES_MAX 7

struct ct_told_change {
    const struct ct_diff_row *row; /* borrowed */
    gboolean is_proven;
    double cost; /* so much more time it takes, or less */
    char *text;  /* owned */
};

/* struct ct_told_change *, what costs or saves most first: those that are proven; or, where so few
 * runs cannot prove anything, all. The caller owns the list. */
GPtrArray *ct_changes_find(const struct ct_diff *diff);

/* What there is to say where it is empty, and where nothing of it is proven; NULL: nothing. Free
 * with g_free(). */
char *ct_changes_remark(const struct ct_diff *diff, const GPtrArray *changes);

/* "The runs took 2.61 s -> 0.73 s, 3.6 times less". Free with g_free(). */
char *ct_changes_duration(const struct ct_diff *diff);

#endif
