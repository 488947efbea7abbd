/* https://grafana.com/docs/pyroscope/latest/reference-server-api/: POST /ingest */
#include "push/protocols.h"

#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

/* What Pyroscope calls values; of those that are not here it is told what they call themselves. The
 * names of waits are those by which it knows a profile of blocking. */
static const struct {
    const char *name;
    const char *display_name;
    const char *unit;
    gboolean is_level; /* several are not added up */
} known_values[] = {
    {"contentions", "block_count", "lock_samples", FALSE},
    {"delay", "block_duration", "lock_nanoseconds", FALSE},
    {"samples", "samples", "samples", FALSE},
    {"cpu", "cpu", "nanoseconds", FALSE},
    {"alloc_objects", "alloc_objects", "objects", FALSE},
    {"alloc_space", "alloc_space", "bytes", FALSE},
    {"inuse_objects", "inuse_objects", "objects", TRUE},
    {"inuse_space", "inuse_space", "bytes", TRUE},
};

static void add_value(JsonBuilder *builder, const struct ct_push_value *value)
{
    const char *display_name = value->name;
    const char *unit = value->unit;
    gboolean is_level = FALSE;

    for (size_t i = 0; i < G_N_ELEMENTS(known_values); i++) {
        if (g_str_equal(known_values[i].name, value->name)) {
            display_name = known_values[i].display_name;
            unit = known_values[i].unit;
            is_level = known_values[i].is_level;
        }
    }
    json_builder_set_member_name(builder, value->name);
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "units");
    json_builder_add_string_value(builder, unit);
    json_builder_set_member_name(builder, "display-name");
    json_builder_add_string_value(builder, display_name);
    json_builder_set_member_name(builder, "aggregation");
    json_builder_add_string_value(builder, is_level ? "average" : "sum");
    /* Each profile is of its own time: nothing is to be taken away of the next one. */
    json_builder_set_member_name(builder, "cumulative");
    json_builder_add_boolean_value(builder, FALSE);
    json_builder_end_object(builder);
}

/* By the values' names. */
static GBytes *make_config(const struct ct_push_profile *profile)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    for (guint i = 0; i < profile->values->len; i++)
        add_value(builder, profile->values->pdata[i]);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    char *text = json_to_string(root, FALSE);

    return g_bytes_new_take(text, strlen(text));
}

static char *make_query(const struct ct_push_profile *profile)
{
    g_autofree char *labels = profile->labels ? g_strjoinv(",", profile->labels) : g_strdup("");
    g_autofree char *name = g_strdup_printf("%s{%s}", profile->application, labels);
    g_autofree char *encoded = g_uri_escape_string(name, NULL, FALSE);
    int64_t from = profile->begin_ns / NS_PER_S;
    int64_t until = (profile->end_ns + NS_PER_S - 1) / NS_PER_S;

    return g_strdup_printf("name=%s&from=%" PRId64 "&until=%" PRId64 "&spyName=ctrace", encoded,
                           from, MAX(until, from + 1));
}

void ct_push_pyroscope(const struct ct_push_profile *profile, struct ct_push_request *request)
{
    g_autoptr(GBytes) config = make_config(profile);
    SoupMultipart *form = soup_multipart_new(SOUP_FORM_MIME_TYPE_MULTIPART);
    SoupMessageHeaders *headers = soup_message_headers_new(SOUP_MESSAGE_HEADERS_REQUEST);

    soup_multipart_append_form_file(form, "profile", "profile.pprof", "application/octet-stream",
                                    profile->bytes);
    soup_multipart_append_form_file(form, "sample_type_config", "sample_type_config.json",
                                    "application/json", config);
    soup_multipart_to_message(form, headers, &request->body);
    request->path = g_strdup("/ingest");
    request->query = make_query(profile);
    request->content_type = g_strdup(soup_message_headers_get_one(headers, "Content-Type"));
    soup_message_headers_unref(headers);
    soup_multipart_free(form);
}
