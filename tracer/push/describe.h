/* What files of profiles are, read where they can do no harm. */
#ifndef CTRACE_PUSH_DESCRIBE_H
#define CTRACE_PUSH_DESCRIBE_H

#include "push/profile.h"

struct ct_push_file {
    struct ct_push_profile *profile; /* owned; without its bytes; NULL: it cannot be read */
    char *problem;                   /* owned; why; or NULL */
};

/*
 * Of the files and folders, by path in each folder: struct ct_push_file *, owned by the array.
 * `application` is whose profiles they are; NULL: of each, the program that it is of. The labels
 * are NULL or end with NULL. NULL and an error: nothing is there. To be called once, before
 * anything that makes threads.
 */
GPtrArray *ct_push_describe(char *const *paths, const char *application, char *const *labels,
                            GError **error);

/* A profile's bytes, compressed. */
gboolean ct_push_load(struct ct_push_profile *profile, GError **error);

#endif
