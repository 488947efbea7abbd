/*
 * What a page may change, and how that is sent: by the page itself, with its Origin; as JSON, which
 * forms of other pages are not; and of a size that is known before, and small.
 */
#ifndef CTRACE_VIEW_CHANGE_H
#define CTRACE_VIEW_CHANGE_H

#include <glib.h>

/* What is said of a request by POST that the guard lets through. */
struct ct_view_change {
    const char *name;   /* what is asked for, below the token */
    const char *origin; /* or NULL, as is the next: the header lacks */
    const char *type;
    gint64 size; /* -1: it is not said */
};

/* 0: it may be read, and done; else the status that it is refused with, and *why, borrowed. */
guint ct_view_change_check(const struct ct_view_change *change, const char **why);

#endif
