#include "view/server/errors.h"

#include <json-glib/json-glib.h>
#include <string.h>

GBytes *ct_view_error_body(const char *why)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autofree char *valid = g_utf8_make_valid(why, -1);

    json_builder_begin_object(json);
    json_builder_set_member_name(json, "error");
    json_builder_add_string_value(json, valid);
    json_builder_end_object(json);
    g_autoptr(JsonNode) root = json_builder_get_root(json);
    char *text = json_to_string(root, FALSE);

    return g_bytes_new_take(text, strlen(text));
}
