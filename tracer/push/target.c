#include "push/target.h"

#include "push/address.h"
#include "push/protocols.h"

#include <string.h>

static const struct ct_push_protocol protocols[] = {
    [CT_PUSH_PYROSCOPE] = {FALSE, ct_push_pyroscope, NULL},
    [CT_PUSH_PARCA] = {FALSE, ct_push_parca, NULL},
    [CT_PUSH_OTLP] = {TRUE, ct_push_otlp, ct_push_otlp_complaint},
};

struct ct_push_target *ct_push_target_parse(const char *text, GError **error)
{
    enum ct_push_protocol_kind kind;
    GUri *uri = ct_push_address_parse(text, &kind, error);

    if (!uri)
        return NULL;
    struct ct_push_target *target = g_new0(struct ct_push_target, 1);

    target->protocol = &protocols[kind];
    target->text = g_strdup(text);
    target->uri = uri;
    return target;
}

void ct_push_target_free(struct ct_push_target *target)
{
    if (!target)
        return;
    g_free(target->text);
    g_uri_unref(target->uri);
    g_free(target);
}

void ct_push_target_request(const struct ct_push_target *target,
                            const struct ct_push_profile *profile, struct ct_push_request *request)
{
    *request = (struct ct_push_request){0};
    target->protocol->fill(profile, request);
}

void ct_push_request_clear(struct ct_push_request *request)
{
    g_clear_pointer(&request->path, g_free);
    g_clear_pointer(&request->query, g_free);
    g_clear_pointer(&request->content_type, g_free);
    g_clear_pointer(&request->body, g_bytes_unref);
}

GUri *ct_push_target_uri(const struct ct_push_target *target, const struct ct_push_request *request)
{
    g_autofree char *base = g_strdup(g_uri_get_path(target->uri));

    while (g_str_has_suffix(base, "/"))
        base[strlen(base) - 1] = '\0';
    g_autofree char *path = g_strconcat(base, request->path, NULL);

    return g_uri_build(G_URI_FLAGS_ENCODED, g_uri_get_scheme(target->uri), NULL,
                       g_uri_get_host(target->uri), g_uri_get_port(target->uri), path,
                       request->query, NULL);
}
