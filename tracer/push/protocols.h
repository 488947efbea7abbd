/* What each of those who store profiles is sent. */
#ifndef CTRACE_PUSH_PROTOCOLS_H
#define CTRACE_PUSH_PROTOCOLS_H

#include "push/target.h"

/* Pyroscope's POST /ingest: a form of the profile and of what its values are. */
void ct_push_pyroscope(const struct ct_push_profile *profile, struct ct_push_request *request);

/* Parca's POST /api/profiles/writeraw: a WriteRawRequest of its profilestore.proto as JSON. */
void ct_push_parca(const struct ct_push_profile *profile, struct ct_push_request *request);

/* OpenTelemetry's POST /v1development/profiles: an ExportProfilesServiceRequest. */
void ct_push_otlp(const struct ct_push_profile *profile, struct ct_push_request *request);
char *ct_push_otlp_complaint(GBytes *said);

#endif
