/* What is found about a machine, a program or a recording, each with what to do. */
#ifndef CTRACE_DOCTOR_ADVICE_H
#define CTRACE_DOCTOR_ADVICE_H

#include <glib.h>
#include <stdio.h>

enum ct_advice_kind {
    CT_ADVICE_FINE,
    CT_ADVICE_LESS,  /* it works, and tells less than it could */
    CT_ADVICE_WRONG, /* something that was asked for is not there, or is not true */
    CT_ADVICE_KIND_COUNT
};

struct ct_advice {
    enum ct_advice_kind kind;
    char *subject; /* owned, as are the next; "machine", "program ./server", "recording a.data" */
    char *topic;   /* a word or two that stay the same, for scripts: "kernel layer" */
    char *text;
    char *todo; /* "": nothing is to be done */
};

/* struct ct_advice *, owned by the array. */
GPtrArray *ct_advices_new(void);

/* `todo` may be NULL. */
void ct_advices_add(GPtrArray *advices, enum ct_advice_kind kind, const char *subject,
                    const char *topic, const char *text, const char *todo);

guint ct_advices_count(const GPtrArray *advices, enum ct_advice_kind kind);

struct ct_advice_format {
    const char *name;
    void (*write)(const GPtrArray *advices, guint width, FILE *out);
};

/* NULL stands for the first one. NULL: there is none of that name. */
const struct ct_advice_format *ct_advice_format_find(const char *name);
/* Their names; free with g_strfreev(). */
char **ct_advice_format_names(void);

#endif
