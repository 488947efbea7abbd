/* What files of profiles are, read where they can do no harm. */
#ifndef CTRACE_PUSH_DESCRIBE_H
#define CTRACE_PUSH_DESCRIBE_H

#include "push/profile.h"

struct ct_push_file {
    struct ct_push_profile *profile; /* owned; NULL: it cannot be read */
    char *problem;                   /* owned; why; or NULL */
};

struct ct_push_question {
    char *const *paths;      /* borrowed, as are the others; of files and folders */
    const char *application; /* whose they are; NULL: of each, the program that it is of */
    char *const *labels;     /* at the end NULL; may be NULL */
    gboolean is_otlp;        /* they are wanted in OpenTelemetry's form */
};

/*
 * By path in each folder: struct ct_push_file *, owned by the array. Only those in OpenTelemetry's
 * form have their bytes. NULL and an error: nothing is there. To be called once, before anything
 * that makes threads.
 */
GPtrArray *ct_push_describe(const struct ct_push_question *question, GError **error);

/* A profile's bytes, compressed, unless it has them. */
gboolean ct_push_load(struct ct_push_profile *profile, GError **error);

#endif
