/* What is answered without a recording: the index, and what /proc tells. */
#ifndef CTRACE_SERVE_PAGES_H
#define CTRACE_SERVE_PAGES_H

#include "serve/served.h"

struct ct_page_request {
    GArray *processes;    /* struct ct_served_process */
    gboolean is_redacted; /* command lines are not told */
    const char *up;       /* from the index to the token's place: "../../" */
    const char *base;     /* of addresses in examples: "http://127.0.0.1:6060/debug/pprof/" */
};

/* All of them are the caller's to unref. */
GBytes *ct_page_index(const struct ct_page_request *request);
/* Words with NUL bytes between them. */
GBytes *ct_page_command_lines(const struct ct_page_request *request);
/* As Go has it as text, of which go tool pprof makes a profile. */
GBytes *ct_page_thread_count(const struct ct_page_request *request);

/* The Content-Security-Policy under which the index is shown. The caller frees it. */
char *ct_page_policy(void);

#endif
