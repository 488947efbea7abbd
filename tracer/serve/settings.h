/* What is to be collected round the clock, and how much of it is kept: as it is typed. No I/O. */
#ifndef CTRACE_SERVE_SETTINGS_H
#define CTRACE_SERVE_SETTINGS_H

#include "serve/question.h"

#define CT_SETTINGS_DURATION  "10s"
#define CT_SETTINGS_KEEP      "7d"
#define CT_SETTINGS_MAX       "2GB"
#define CT_SETTINGS_DIRECTORY "profiles/production"

/* NULL: not given. */
struct ct_settings_options {
    char *every; /* without it, nothing is collected */
    char *duration;
    char *keep;
    char *max;
    char *directory;
    char *profiles;
};

/* A kind of profile. */
struct ct_settings_kind {
    const char *name; /* of its file; borrowed, of a table */
    struct ct_question question;
};

struct ct_settings {
    guint every_ms; /* 0: nothing is collected */
    gint64 keep_s;
    guint64 bytes_max;
    char *directory; /* owned; absolute */
    GArray *kinds;   /* owned; struct ct_settings_kind */
};

/* `has_heap`: of a program that keeps account of its memory. FALSE: an error. Clear it in any case.
 */
gboolean ct_settings_parse(struct ct_settings *settings, const struct ct_settings_options *options,
                           gboolean has_heap, GError **error);
void ct_settings_clear(struct ct_settings *settings);

/* What may be collected: words, each with what it is behind a tab. The caller frees it. */
char **ct_settings_list_kinds(void);

#endif
