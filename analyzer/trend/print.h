/* A trend as text for a terminal, and as CSV. */
#ifndef CTRACE_TREND_PRINT_H
#define CTRACE_TREND_PRINT_H

#include "trend/change.h"

#include <stdio.h>

struct ct_trend_print {
    const struct ct_trend *trend;
    const struct ct_trend_changes *changes; /* NULL: there is one profile only */
    guint top;                              /* places, and changes, at most */
    guint width;                            /* columns of text */
};

void ct_trend_print_text(const struct ct_trend_print *print, FILE *out);
/* A row for each of the top places and each profile. */
void ct_trend_print_csv(const struct ct_trend_print *print, FILE *out);

/* How shares moved, one column for each part of the time from the first to the last profile; where
 * there is none, a space. From 0 to `most`. Free with g_free(). */
char *ct_trend_sparkline(const struct ct_trend *trend, const double *shares, double most,
                         guint columns);

#endif
