/* The formats of a comparison: a table of what writes them. */
#ifndef CTRACE_DIFF_FORMAT_H
#define CTRACE_DIFF_FORMAT_H

#include "diff/gate.h"

#include <stdio.h>

struct ct_diff_layout {
    guint width;      /* of the text */
    const char *only; /* borrowed; of which part of the recordings alone it is; "": of all */
};

/* Writes all of it; ferror() and fflush() tell whether that went well. `verdicts`: struct
 * ct_verdict
 * *, of what it is to fail on; may be empty. */
typedef void ct_diff_write(const struct ct_diff *diff, const GPtrArray *verdicts,
                           const struct ct_diff_layout *layout, FILE *out);

ct_diff_write ct_diff_write_text;
ct_diff_write ct_diff_write_json;
ct_diff_write ct_diff_write_csv;

struct ct_diff_format {
    const char *name;
    ct_diff_write *write;
};

/* The first one for NULL; NULL if there is none of that name. */
const struct ct_diff_format *ct_diff_format_find(const char *name);

/* Their names. Free with g_strfreev(). */
char **ct_diff_format_names(void);

#endif
