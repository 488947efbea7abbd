/* A profile that is to be sent, with what those who store profiles ask beside it. */
#ifndef CTRACE_PUSH_PROFILE_H
#define CTRACE_PUSH_PROFILE_H

#include <glib.h>
#include <stdint.h>

#define CT_PUSH_ERROR ct_push_error_quark()
GQuark ct_push_error_quark(void);

enum ct_push_error {
    CT_PUSH_ERROR_TARGET,   /* it is no place to send profiles to */
    CT_PUSH_ERROR_TOO_MUCH, /* for one time */
    CT_PUSH_ERROR_LABEL     /* a name or a label that not all of them take */
};

/* What one of the values of a sample is. */
struct ct_push_value {
    char *name; /* owned, as is the next; "delay" */
    char *unit; /* "nanoseconds" */
};

struct ct_push_profile {
    char *origin;      /* owned; what it is called in messages, such as its file */
    char *application; /* owned; whose profile it is */
    char **labels;     /* owned; each "key=value"; NULL: none */
    GBytes *bytes; /* owned; of pprof's format, compressed by gzip; or in OpenTelemetry's form */
    GPtrArray *values; /* owned; struct ct_push_value * */
    int64_t begin_ns;  /* since 1970, as is the next, which is not before it */
    int64_t end_ns;
};

/* Without anything but an empty list of values. Free with ct_push_profile_free(), which takes NULL.
 */
struct ct_push_profile *ct_push_profile_new(void);
void ct_push_profile_free(struct ct_push_profile *profile);
void ct_push_profile_add_value(struct ct_push_profile *profile, const char *name, const char *unit);

/* Can these be told to all of them? A label is "key=value". */
gboolean ct_push_check_application(const char *name, GError **error);
gboolean ct_push_check_label(const char *label, GError **error);

#endif
