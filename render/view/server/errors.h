/* What is wrong with a request, as pages are told it. */
#ifndef CTRACE_VIEW_ERRORS_H
#define CTRACE_VIEW_ERRORS_H

#include <glib.h>

/* A JSON document that says so. The caller owns it. */
GBytes *ct_view_error_body(const char *why);

#endif
