/* https://github.com/parca-dev/parca: proto/parca/profilestore/v1alpha1/profilestore.proto */
#include "push/protocols.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* What a profile is called, by one of its values: as those are that Parca collects itself. */
static const struct {
    const char *value;
    const char *name;
} names[] = {
    {"delay", "block"},
    {"cpu", "process_cpu"},
    {"inuse_space", "memory"},
    {"alloc_space", "memory"},
};

static const char *name_of(const struct ct_push_profile *profile)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        for (guint j = 0; j < profile->values->len; j++) {
            const struct ct_push_value *value = profile->values->pdata[j];

            if (g_str_equal(value->name, names[i].value))
                return names[i].name;
        }
    }
    return "profile";
}

static void add_label(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "name");
    json_builder_add_string_value(builder, name);
    json_builder_set_member_name(builder, "value");
    json_builder_add_string_value(builder, value);
    json_builder_end_object(builder);
}

static void add_labels(JsonBuilder *builder, const struct ct_push_profile *profile)
{
    json_builder_set_member_name(builder, "labels");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "labels");
    json_builder_begin_array(builder);
    add_label(builder, "__name__", name_of(profile));
    add_label(builder, "job", profile->application);
    for (char **label = profile->labels; label && *label; label++) {
        const char *equals = strchr(*label, '=');
        g_autofree char *key = g_strndup(*label, (gsize)(equals - *label));

        add_label(builder, key, equals + 1);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void add_samples(JsonBuilder *builder, const struct ct_push_profile *profile)
{
    gsize size;
    const void *data = g_bytes_get_data(profile->bytes, &size);
    g_autofree char *encoded = g_base64_encode(data, size);

    json_builder_set_member_name(builder, "samples");
    json_builder_begin_array(builder);
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "rawProfile");
    json_builder_add_string_value(builder, encoded);
    json_builder_end_object(builder);
    json_builder_end_array(builder);
}

void ct_push_parca(const struct ct_push_profile *profile, struct ct_push_request *request)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "series");
    json_builder_begin_array(builder);
    json_builder_begin_object(builder);
    add_labels(builder, profile);
    add_samples(builder, profile);
    json_builder_end_object(builder);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    char *text = json_to_string(root, FALSE);

    request->path = g_strdup("/api/profiles/writeraw");
    request->content_type = g_strdup("application/json");
    request->body = g_bytes_new_take(text, strlen(text));
}
