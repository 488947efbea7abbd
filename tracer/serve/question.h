/* What a request asks for, out of its path and its parameters. No I/O. */
#ifndef CTRACE_SERVE_QUESTION_H
#define CTRACE_SERVE_QUESTION_H

#include "serve/endpoints.h"

/* Longer than that is a recording that somebody should look after. */
#define CT_QUESTION_SECONDS_MAX 3600

struct ct_question {
    const struct ct_endpoint *endpoint; /* NULL: the index */
    char *process;                      /* owned; an id or a name; NULL: all that are served */
    gboolean is_by_path;                /* the path names it */
    guint64 duration_ms;                /* 0: nothing is to be recorded */
    gboolean is_past;                   /* not from now on, but up to now */
    guint64 delta_ms;                   /* of what is recorded already: what changed in it */
    guint hz;                           /* samples in a second of CPU time; 0: none */
    gboolean has_hz;                    /* that was asked for */
    guint debug;                        /* 0: for programs; else text */
    gboolean is_perfetto;               /* of a trace */
};

/* Below the token: "debug/pprof/profile" or "12/debug/pprof/profile". FALSE: an error, see
 * status.h. */
gboolean ct_question_parse(struct ct_question *question, const char *path, const char *query,
                           GError **error);
void ct_question_clear(struct ct_question *question);

/* Of a path that only lacks its end, where the index is, relative to it: "debug/pprof/". NULL: it
 * is no such path. The caller frees it. */
char *ct_question_redirect(const char *path);

#endif
