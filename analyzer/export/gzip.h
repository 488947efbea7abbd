/* Compresses as gzip does. */
#ifndef CTRACE_GZIP_H
#define CTRACE_GZIP_H

#include <glib.h>

/* The same input gives the same output. */
GBytes *ct_gzip(GBytes *bytes, GError **error);

#endif
