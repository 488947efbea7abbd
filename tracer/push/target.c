#include "push/target.h"

#include "push/protocols.h"

#include <string.h>

static const struct ct_push_protocol protocols[] = {
    {"pyroscope", "Grafana Pyroscope, as pyroscope:http://host:4040", FALSE, ct_push_pyroscope,
     NULL},
    {"parca", "Parca, as parca:http://host:7070", FALSE, ct_push_parca, NULL},
    {"otlp", "OpenTelemetry, alpha, as otlp:http://host:4318", TRUE, ct_push_otlp,
     ct_push_otlp_complaint},
};

static const struct ct_push_protocol *find_protocol(const char *text, const char *colon)
{
    size_t size = colon ? (size_t)(colon - text) : 0;

    for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++)
        if (strlen(protocols[i].name) == size && strncmp(text, protocols[i].name, size) == 0)
            return &protocols[i];
    return NULL;
}

/* What is wrong with it, or NULL. */
static const char *find_fault(GUri *uri)
{
    const char *scheme = g_uri_get_scheme(uri);
    const char *host = g_uri_get_host(uri);

    if (!g_str_equal(scheme, "http") && !g_str_equal(scheme, "https"))
        return "its address begins with http:// or https://";
    if (!host || *host == '\0')
        return "its address has no host";
    if (g_uri_get_userinfo(uri))
        return "a password in its address could be read by others; have a proxy add it";
    if (g_uri_get_query(uri) || g_uri_get_fragment(uri))
        return "its address has no ? and no #";
    return NULL;
}

struct ct_push_target *ct_push_target_parse(const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    const struct ct_push_protocol *protocol = find_protocol(text, colon);
    g_autoptr(GUri) uri =
        protocol ? g_uri_parse(colon + 1, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL)
                 : NULL;
    const char *fault = !protocol ? "it begins with pyroscope:, parca: or otlp:"
                        : !uri    ? "what follows the first colon is no address"
                                  : find_fault(uri);

    if (fault) {
        g_set_error(error, CT_PUSH_ERROR, CT_PUSH_ERROR_TARGET,
                    "'%s' is no target, such as pyroscope:http://host:4040: %s", text, fault);
        return NULL;
    }
    struct ct_push_target *target = g_new0(struct ct_push_target, 1);

    target->protocol = protocol;
    target->text = g_strdup(text);
    target->uri = g_steal_pointer(&uri);
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

char **ct_push_target_rows(void)
{
    char **rows = g_new0(char *, G_N_ELEMENTS(protocols) + 1);

    for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++)
        rows[i] = g_strdup_printf("%s:http://\t%s", protocols[i].name, protocols[i].purpose);
    return rows;
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
