/*
 * A recording as one file of HTML: the page of ctrace view, and beforehand the answers to what one
 * asks it first, as its server would give them. It loads nothing, from nowhere.
 */
#ifndef CTRACE_HTML_H
#define CTRACE_HTML_H

#include "cli/scope.h"

#include <glib.h>
#include <stdint.h>

struct ct_html_request {
    const char *directory;        /* of the recording, as it was named */
    const char *output;           /* the file */
    const struct ct_scope *scope; /* of which its times alone are asked for */
    uint64_t max_bytes;           /* of the file */
};

/* Smaller than this no page is. */
#define CT_HTML_SIZE_MIN   UINT64_C(500000)
#define CT_HTML_SIZE_USUAL UINT64_C(15000000)

gboolean ct_html_is_name(const char *output);

/* Returns the program's exit status. */
int ct_html_write(const struct ct_html_request *request);

#endif
