#include "export/json_document.h"

#include "text/safe_text.h"

#include <math.h>

/* Takes the value from the builder. */
static void write_value(struct ct_json_document *document, const char *indent)
{
    g_autoptr(JsonNode) root = json_builder_get_root(document->json);

    json_generator_set_root(document->generator, root);
    g_autofree char *generated = json_generator_to_data(document->generator, NULL);
    g_autofree char *text = ct_safe_json(generated);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *indented = g_strjoinv(indent, lines);

    fputs(indented, document->out);
    json_builder_reset(document->json);
}

void ct_json_begin_member(struct ct_json_document *document, const char *name)
{
    fprintf(document->out, "%s  \"%s\" : ", document->has_members ? ",\n" : "", name);
    document->has_members = TRUE;
}

void ct_json_end_member(struct ct_json_document *document)
{
    write_value(document, "\n  ");
}

void ct_json_begin_array(struct ct_json_document *document, const char *name)
{
    ct_json_begin_member(document, name);
    fputc('[', document->out);
    document->has_elements = FALSE;
}

JsonBuilder *ct_json_begin_element(struct ct_json_document *document)
{
    json_builder_begin_object(document->json);
    return document->json;
}

void ct_json_end_element(struct ct_json_document *document)
{
    json_builder_end_object(document->json);
    fputs(document->has_elements ? ",\n    " : "\n    ", document->out);
    document->has_elements = TRUE;
    write_value(document, "\n    ");
}

void ct_json_end_array(struct ct_json_document *document)
{
    fputs(document->has_elements ? "\n  ]" : "]", document->out);
}

/* Paths are bytes, and the generator looks for characters. */
void ct_json_add_value(JsonBuilder *json, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);

    json_builder_add_string_value(json, valid);
}

void ct_json_add_string(JsonBuilder *json, const char *name, const char *value)
{
    json_builder_set_member_name(json, name);
    ct_json_add_value(json, value);
}

void ct_json_add_count(JsonBuilder *json, uint64_t value)
{
    if (value <= CT_JSON_WHOLE_MAX) {
        json_builder_add_int_value(json, (gint64)value);
        return;
    }
    g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, value);

    json_builder_add_string_value(json, digits);
}

void ct_json_add_number(JsonBuilder *json, const char *name, uint64_t value)
{
    json_builder_set_member_name(json, name);
    ct_json_add_count(json, value);
}

void ct_json_add_rounded(JsonBuilder *json, const char *name, double value)
{
    ct_json_add_number(json, name, (uint64_t)llround(MIN(value, 9e18)));
}

void ct_json_add_signed(JsonBuilder *json, const char *name, int64_t value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, value);
}

void ct_json_add_boolean(JsonBuilder *json, const char *name, gboolean value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_boolean_value(json, value);
}

void ct_json_write_number(struct ct_json_document *document, const char *name, uint64_t value)
{
    ct_json_begin_member(document, name);
    fprintf(document->out,
            value > CT_JSON_WHOLE_MAX ? "\"%" G_GUINT64_FORMAT "\"" : "%" G_GUINT64_FORMAT, value);
}

char *ct_json_quote(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), valid);
    g_autofree char *quoted = json_to_string(node, FALSE);

    return ct_safe_json(quoted);
}

void ct_json_write_string(struct ct_json_document *document, const char *name, const char *value)
{
    g_autofree char *quoted = ct_json_quote(value);

    ct_json_begin_member(document, name);
    fputs(quoted, document->out);
}
