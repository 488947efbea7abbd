/* Where profiles are sent to, and how they are told there: no network here. */
#ifndef CTRACE_PUSH_TARGET_H
#define CTRACE_PUSH_TARGET_H

#include "push/profile.h"

/* What is sent to a target, by POST. */
struct ct_push_request {
    char *path;  /* owned, as are all; below the target's own; "/ingest" */
    char *query; /* encoded already; or NULL */
    char *content_type;
    GBytes *body;
};

struct ct_push_protocol {
    gboolean is_otlp; /* it takes profiles in OpenTelemetry's form, not in pprof's */
    void (*fill)(const struct ct_push_profile *profile, struct ct_push_request *request);
    /* Of the beginning of an answer that took it: what was not taken after all, or NULL. Caller
     * frees. NULL: it takes all or nothing. */
    char *(*complaint)(GBytes *said);
};

struct ct_push_target {
    const struct ct_push_protocol *protocol;
    char *text; /* owned, as is the next; what was typed */
    GUri *uri;
};

/* Of what address.h has. Free with ct_push_target_free(), which takes NULL. */
struct ct_push_target *ct_push_target_parse(const char *text, GError **error);
void ct_push_target_free(struct ct_push_target *target);

/* Clear it with ct_push_request_clear(). */
void ct_push_target_request(const struct ct_push_target *target,
                            const struct ct_push_profile *profile, struct ct_push_request *request);
void ct_push_request_clear(struct ct_push_request *request);

/* Where that goes. Caller frees by g_uri_unref(). */
GUri *ct_push_target_uri(const struct ct_push_target *target,
                         const struct ct_push_request *request);

#endif
