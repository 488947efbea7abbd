/* https://opentelemetry.io/docs/specs/otlp/#otlphttp, with profiles as they are in development. */
#include "push/protocols.h"

#include "otlp_profiles.pb-c.h"

void ct_push_otlp(const struct ct_push_profile *profile, struct ct_push_request *request)
{
    request->path = g_strdup("/v1development/profiles");
    request->content_type = g_strdup("application/x-protobuf");
    request->body = g_bytes_ref(profile->bytes);
}

char *ct_push_otlp_complaint(GBytes *said)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(said, &size);
    Otlp__ExportProfilesServiceResponse *response =
        size > 0 ? otlp__export_profiles_service_response__unpack(NULL, size, data) : NULL;
    const Otlp__ExportProfilesPartialSuccess *partial = response ? response->partial_success : NULL;
    char *complaint = NULL;

    if (partial && partial->rejected_profiles > 0)
        complaint = g_strdup_printf(
            "it rejects %" G_GINT64_FORMAT " of the profile's kinds of values: %s",
            partial->rejected_profiles,
            partial->error_message ? partial->error_message : "it does not say why");
    if (response)
        otlp__export_profiles_service_response__free_unpacked(response, NULL);
    return complaint;
}
