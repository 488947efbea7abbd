#include "push/address.h"

#include <string.h>

struct protocol {
    const char *name;
    const char *purpose; /* for a shell */
};

static const struct protocol protocols[] = {
    [CT_PUSH_PYROSCOPE] = {"pyroscope", "Grafana Pyroscope, as pyroscope:http://host:4040"},
    [CT_PUSH_PARCA] = {"parca", "Parca, as parca:http://host:7070"},
    [CT_PUSH_OTLP] = {"otlp", "OpenTelemetry, alpha, as otlp:http://host:4318"},
};

static gboolean find_protocol(const char *text, const char *colon, enum ct_push_protocol_kind *kind)
{
    size_t size = colon ? (size_t)(colon - text) : 0;

    for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
        *kind = i;
        if (strlen(protocols[i].name) == size && strncmp(text, protocols[i].name, size) == 0)
            return TRUE;
    }
    return FALSE;
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

GUri *ct_push_address_parse(const char *text, enum ct_push_protocol_kind *kind, GError **error)
{
    const char *colon = strchr(text, ':');
    gboolean is_known = find_protocol(text, colon, kind);
    g_autoptr(GUri) uri =
        is_known ? g_uri_parse(colon + 1, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL)
                 : NULL;
    const char *fault = !is_known ? "it begins with pyroscope:, parca: or otlp:"
                        : !uri    ? "what follows the first colon is no address"
                                  : find_fault(uri);

    if (!fault)
        return g_steal_pointer(&uri);
    g_set_error(error, CT_PUSH_ERROR, CT_PUSH_ERROR_TARGET,
                "'%s' is no target, such as pyroscope:http://host:4040: %s", text, fault);
    return NULL;
}

char **ct_push_address_rows(void)
{
    char **rows = g_new0(char *, G_N_ELEMENTS(protocols) + 1);

    for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++)
        rows[i] = g_strdup_printf("%s:http://\t%s", protocols[i].name, protocols[i].purpose);
    return rows;
}
