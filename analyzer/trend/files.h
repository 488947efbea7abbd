/* Profiles in folders by time, as scripts that collect them lay them out. */
#ifndef CTRACE_TREND_FILES_H
#define CTRACE_TREND_FILES_H

#include <glib.h>
#include <stdint.h>

#define CT_TREND_ERROR ct_trend_error_quark()
GQuark ct_trend_error_quark(void);

enum ct_trend_error {
    CT_TREND_ERROR_NOTHING, /* no profile is there */
    CT_TREND_ERROR_LIMIT,   /* too many are */
    CT_TREND_ERROR_SIDES    /* two sides cannot be told apart */
};

struct ct_trend_file {
    char *path; /* owned */
    char *kind; /* owned; its name without the suffix: "cpu" of cpu.pb.gz */
    /* Since 1970: by which it, or a folder above it, is called, or 0; and when it was written. */
    int64_t named_ns;
    int64_t written_ns;
};

/* struct ct_trend_file *, owned by the array, by path; NULL and an error. */
GPtrArray *ct_trend_files_find(const char *directory, GError **error);

/* The time in a name such as 20260101_120000, 2026-01-01T12-00-00 or 20260101, in local time; 0:
 * there is none. */
int64_t ct_trend_named_time(const char *name);

#endif
