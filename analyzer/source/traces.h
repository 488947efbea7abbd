/* The CTF traces of a recording: each folder below its directory that holds a `metadata` file. */
#ifndef CTRACE_SOURCE_TRACES_H
#define CTRACE_SOURCE_TRACES_H

#include <glib.h>

struct ct_traces {
    GPtrArray *paths; /* owned; char *, sorted */
    char *unreadable; /* owned; what below the directory could not be looked into, or NULL */
};

/* FALSE and an error if there are none, or those of several recordings. */
gboolean ct_traces_find(const char *directory, struct ct_traces *traces, GError **error);
void ct_traces_clear(struct ct_traces *traces);

#endif
