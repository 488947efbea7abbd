/* Compresses as gzip does. */
#ifndef CTRACE_GZIP_H
#define CTRACE_GZIP_H

#include <glib.h>

/* The same input gives the same output. */
GBytes *ct_gzip(GBytes *bytes, GError **error);

/* What was compressed so, of which there may be several pieces. NULL: it is damaged, cut off, or
 * more than `size_max` bytes. */
GBytes *ct_gunzip(GBytes *bytes, gsize size_max, GError **error);

#endif
