/* What is below /debug/pprof/: a table, named as Go names what it has of it. */
#ifndef CTRACE_SERVE_ENDPOINTS_H
#define CTRACE_SERVE_ENDPOINTS_H

#include <glib.h>

enum ct_endpoint_kind {
    CT_ENDPOINT_PROFILE, /* of what is recorded from now on */
    CT_ENDPOINT_THREADS, /* of what they do now */
    CT_ENDPOINT_TRACE,   /* what is recorded itself */
    CT_ENDPOINT_HEAP,
    CT_ENDPOINT_CMDLINE,
    CT_ENDPOINT_SYMBOL,
    CT_ENDPOINT_THREAD_COUNT
};

struct ct_endpoint {
    const char *name;
    enum ct_endpoint_kind kind;
    const char *profile;     /* as ctrace-pprof calls it; NULL: it is none */
    guint default_ms;        /* so long is recorded; 0: nothing is */
    gboolean is_sampled;     /* what runs is sampled, too */
    gboolean is_seen_inside; /* the program's own hooks tell it: the kernel need not be asked */
    const char *purpose;     /* a sentence */
};

/* NULL: there is none of that name. */
const struct ct_endpoint *ct_endpoint_find(const char *name);
/* In the order of the table; NULL beyond the last. */
const struct ct_endpoint *ct_endpoint_at(guint index);

/* "block, net and sync". The caller frees it. */
char *ct_endpoint_list(void);

#endif
