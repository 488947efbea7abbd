#include "export/otlp_attributes.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static Otlp__AnyValue *add(const struct ct_otlp_attributes *attributes, const char *key)
{
    Otlp__KeyValue *added = g_new(Otlp__KeyValue, 1);

    otlp__key_value__init(added);
    added->key = g_strdup(key);
    added->value = g_new(Otlp__AnyValue, 1);
    otlp__any_value__init(added->value);
    *attributes->list = g_renew(Otlp__KeyValue *, *attributes->list, *attributes->count + 1);
    (*attributes->list)[(*attributes->count)++] = added;
    return added->value;
}

void ct_otlp_add_text(const struct ct_otlp_attributes *attributes, const char *key,
                      const char *text)
{
    if (!text || !*text)
        return;
    Otlp__AnyValue *value = add(attributes, key);

    value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value->string_value = g_utf8_make_valid(text, -1);
}

void ct_otlp_add_int(const struct ct_otlp_attributes *attributes, const char *key, int64_t number)
{
    Otlp__AnyValue *value = add(attributes, key);

    value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value->int_value = number;
}

void ct_otlp_add_double(const struct ct_otlp_attributes *attributes, const char *key, double number)
{
    Otlp__AnyValue *value = add(attributes, key);

    value->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
    value->double_value = number;
}

/* "127.0.0.1:80" and "[::1]:80" are an address and a port; all else is a name. */
static gboolean split(const char *end, char **host, long *port)
{
    const char *colon = strrchr(end, ':');
    unsigned char bytes[sizeof(struct in6_addr)];
    char *rest;

    if (!colon || !g_ascii_isdigit(colon[1]))
        return FALSE;
    *port = strtol(colon + 1, &rest, 10);
    gboolean is_inet6 = end[0] == '[' && colon > end + 1 && colon[-1] == ']';
    g_autofree char *found = is_inet6 ? g_strndup(end + 1, (gsize)(colon - end) - 2)
                                      : g_strndup(end, (gsize)(colon - end));

    if (*rest != '\0' || *port > UINT16_MAX ||
        inet_pton(is_inet6 ? AF_INET6 : AF_INET, found, bytes) != 1)
        return FALSE;
    *host = g_steal_pointer(&found);
    return TRUE;
}

void ct_otlp_add_end(const struct ct_otlp_attributes *attributes, const char *key, const char *end)
{
    g_autofree char *address_key = g_strconcat(key, ".address", NULL);
    g_autofree char *port_key = g_strconcat(key, ".port", NULL);
    g_autofree char *host = NULL;
    long port;

    if (!split(end, &host, &port)) {
        ct_otlp_add_text(attributes, address_key, end);
        return;
    }
    ct_otlp_add_text(attributes, address_key, host);
    ct_otlp_add_int(attributes, port_key, port);
}
