/* Profiles in folders by time, as scripts that collect them lay them out. */
#ifndef CTRACE_TREND_FILES_H
#define CTRACE_TREND_FILES_H

#include <glib.h>
#include <stdint.h>

struct ct_trend_file {
    char *path; /* owned */
    char *kind; /* owned; its name without the suffix: "cpu" of cpu.pb.gz */
    int64_t
        named_ns; /* what a folder above it, or it itself, is called by: since 1970; 0: nothing */
    int64_t written_ns; /* when it was */
};

/* struct ct_trend_file *, owned by the array, by path; NULL and an error. */
GPtrArray *ct_trend_files_find(const char *directory, GError **error);

/* The time in a name such as 20260101_120000, 2026-01-01T12-00-00 or 20260101, in local time; 0:
 * there is none. */
int64_t ct_trend_named_time(const char *name);

#endif
