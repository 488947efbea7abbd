/*
 * Reading profiles of pprof's, whoever wrote them: ctrace, Go, or anything else. They are not
 * trusted: what was read has no index and no id that leads nowhere.
 */
#ifndef CTRACE_PPROF_FILE_H
#define CTRACE_PPROF_FILE_H

#include <glib.h>
#include <stdint.h>

#define CT_PPROF_ERROR ct_pprof_error_quark()
GQuark ct_pprof_error_quark(void);

enum ct_pprof_error {
    CT_PPROF_ERROR_UNREADABLE, /* the file */
    CT_PPROF_ERROR_DAMAGED,    /* it is no profile, or a damaged one */
    CT_PPROF_ERROR_UNLIKE,     /* profiles that do not go together */
    CT_PPROF_ERROR_NO_VALUE    /* it has no values that are called so */
};

struct ct_pprof_file;
typedef struct ct_pprof_file ct_pprof_file; /* for g_autoptr(ct_pprof_file) */

/* Of a file; compressed by gzip or not. */
struct ct_pprof_file *ct_pprof_file_read(const char *path, GError **error);
/* The same of bytes, which `name` stands for in errors. */
struct ct_pprof_file *ct_pprof_file_parse(GBytes *bytes, const char *name, GError **error);
void ct_pprof_file_free(struct ct_pprof_file *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_pprof_file, ct_pprof_file_free)

/* When it began, in nanoseconds since 1970, and how long it was; 0: it does not tell. */
int64_t ct_pprof_file_time_ns(const struct ct_pprof_file *file);
int64_t ct_pprof_file_duration_ns(const struct ct_pprof_file *file);

guint64 ct_pprof_file_sample_count(const struct ct_pprof_file *file);

/* Which of a sample's values is called so ("cpu", "inuse_space"); NULL: that which pprof shows
 * unless asked for another. -1 and an error: none is. */
int ct_pprof_file_find_value(const struct ct_pprof_file *file, const char *name, GError **error);
/* What it is called, and its unit. Borrowed. */
const char *ct_pprof_file_value_name(const struct ct_pprof_file *file, int value);
const char *ct_pprof_file_value_unit(const struct ct_pprof_file *file, int value);

/* A function's own value, and that with all that it calls. */
struct ct_pprof_sum {
    int64_t flat;
    int64_t cumulative;
};

/* By function: char * (owned) -> struct ct_pprof_sum * (owned); of a place without a function, its
 * address. `total` is that of all samples. Free with g_hash_table_unref(). */
GHashTable *ct_pprof_file_sum(const struct ct_pprof_file *file, int value, int64_t *total);

#endif
