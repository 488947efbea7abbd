/*
 * How the shares of functions moved over profiles that were made one after the other: of one kind,
 * in a folder by time, each a file of pprof's, whoever wrote it.
 */
#ifndef CTRACE_TREND_H
#define CTRACE_TREND_H

#include "trend/files.h"

/* A profile. */
struct ct_trend_point {
    char *path;        /* owned */
    int64_t time_ns;   /* since 1970: as the profile says, else its folder's name, else the file */
    int64_t length_ns; /* that it covers; 0: unknown */
    double total;      /* of all samples */
    guint number;      /* its place among all */
};

/* What a function had in one profile. */
struct ct_trend_amount {
    guint point; /* index of the profile */
    double flat;
    double cumulative;
};

struct ct_trend_place {
    char *name;      /* owned */
    GArray *amounts; /* owned; struct ct_trend_amount, by point; those that are 0 are not there */
    double mean;     /* its share of all profiles together */
};

struct ct_trend {
    char *kind;  /* owned; "cpu" */
    char *value; /* owned; "cpu", as pprof calls it; and its unit */
    char *unit;
    gboolean is_cumulative; /* shares count what a function calls, too */
    GPtrArray *points;      /* owned; struct ct_trend_point *, by time */
    GPtrArray *places;      /* owned; struct ct_trend_place *, by mean, the largest first */
    GPtrArray *unread;      /* owned; char *: what could not be read, and why */
};

struct ct_trend_question {
    const char *directory;
    const char *kind;    /* the file's name without its suffix; NULL: cpu, or the only one */
    const char *value;   /* NULL: what pprof shows unless asked for another */
    const GRegex *place; /* NULL: all functions */
    gboolean is_cumulative;
};

struct ct_trend *ct_trend_new(const struct ct_trend_question *question, GError **error);
void ct_trend_free(struct ct_trend *trend);
typedef struct ct_trend ct_trend; /* for g_autoptr(ct_trend) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_trend, ct_trend_free)

/* A place's shares of the profiles, one for each point: 0 to 1, or beyond, where values are
 * negative. Free with g_free(). */
double *ct_trend_shares(const struct ct_trend *trend, const struct ct_trend_place *place);

/* "2026-01-31 14:05:00", in local time. Free with g_free(). */
char *ct_trend_time(int64_t time_ns);

#endif
