/* The CTF traces below a directory: each folder that holds a `metadata` file. */
#ifndef CTRACE_INGEST_TRACES_H
#define CTRACE_INGEST_TRACES_H

#include <glib.h>

/* Paths, sorted; NULL and an error if there are none. Free with g_ptr_array_unref(). */
GPtrArray *ct_traces_find(const char *directory, GError **error);

#endif
