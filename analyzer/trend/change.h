/* What changed most between two times, and what of that is proven: by the profiles of either time,
 * with the tests of ctrace diff. */
#ifndef CTRACE_TREND_CHANGE_H
#define CTRACE_TREND_CHANGE_H

#include "diff/statistics.h"
#include "trend/trend.h"

/* A side: profiles that follow each other, or lie in one day. */
struct ct_trend_side {
    char *name;     /* owned; "2026-01-01", or a time */
    GArray *points; /* owned; guint */
};

struct ct_trend_change {
    const struct ct_trend_place *place; /* borrowed */
    double old_share;                   /* of all its side's profiles together */
    double new_share;
    double p;           /* that such a difference, or more, is chance; 1: it cannot be told */
    gboolean is_proven; /* among all places that were compared */
    gboolean is_new;    /* no profile has it up to the end of the old side */
    int64_t since_ns;   /* then: the first that has it */
};

struct ct_trend_changes {
    struct ct_trend_side sides[2]; /* the old one first */
    GArray *changes;               /* owned; struct ct_trend_change, the largest first, by share */
    gboolean may_prove;            /* there are profiles enough for that */
};

/*
 * `between` is two times with a comma in between, each as much of YYYY-MM-DD HH:MM:SS as is meant;
 * NULL: the first and the last day, or of one day its halves. NULL and an error if a side has none.
 */
struct ct_trend_changes *ct_trend_changes_new(const struct ct_trend *trend, const char *between,
                                              GError **error);
void ct_trend_changes_free(struct ct_trend_changes *changes);
typedef struct ct_trend_changes ct_trend_changes; /* for g_autoptr(ct_trend_changes) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_trend_changes, ct_trend_changes_free)

/* That of a place; NULL: it is in neither side. Borrowed. */
const struct ct_trend_change *ct_trend_changes_find(const struct ct_trend_changes *changes,
                                                    const struct ct_trend_place *place);

#endif
