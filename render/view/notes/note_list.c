#include "view/notes/note_list.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* A document has no more objects and arrays in each other; the parser would go down with them. */
#define DEPTH_MAX 4

#define ID_DIGITS 16

struct note {
    char id[ID_DIGITS + 1];
    gint64 version;
    guint64 at_ns;
    char *text; /* owned */
};

struct ct_note_list {
    GPtrArray *notes; /* owned; struct note *, owned */
};

static void note_free(void *data)
{
    struct note *note = data;

    g_free(note->text);
    g_free(note);
}

struct ct_note_list *ct_note_list_new(void)
{
    struct ct_note_list *list = g_new0(struct ct_note_list, 1);

    list->notes = g_ptr_array_new_with_free_func(note_free);
    return list;
}

void ct_note_list_free(struct ct_note_list *list)
{
    g_ptr_array_unref(list->notes);
    g_free(list);
}

/* ---- Reading ---- */

static gboolean is_flat(const char *text, gsize size)
{
    unsigned depth = 0;
    gboolean is_text = FALSE;

    for (gsize i = 0; i < size; i++) {
        if (is_text && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            is_text = !is_text;
        else if (!is_text && (text[i] == '{' || text[i] == '[') && ++depth > DEPTH_MAX)
            return FALSE;
        else if (!is_text && (text[i] == '}' || text[i] == ']') && depth > 0)
            depth--;
    }
    return TRUE;
}

/* NULL: the document is no object. The caller owns the parser, and it the object. */
static JsonObject *parse(JsonParser *parser, const char *text, gsize size)
{
    if (size > G_MAXSSIZE || !g_utf8_validate(text, (gssize)size, NULL) || !is_flat(text, size) ||
        !json_parser_load_from_data(parser, text, (gssize)size, NULL))
        return NULL;
    JsonNode *root = json_parser_get_root(parser);

    return root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
}

/* NULL: it lacks, or is no text. Borrowed. */
static const char *text_of(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

/* -1: it lacks, or is no number. */
static gint64 number_of(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64
               ? json_node_get_int(node)
               : -1;
}

static gboolean is_id(const char *text)
{
    return text && strlen(text) == ID_DIGITS && strspn(text, "0123456789abcdef") == ID_DIGITS;
}

/* FALSE: it is no note. What it had is replaced. */
static gboolean set_note(struct note *note, JsonObject *object)
{
    const char *at_ns = text_of(object, "at_ns");
    const char *text = text_of(object, "text");

    if (!at_ns || !g_ascii_string_to_unsigned(at_ns, 10, 0, G_MAXINT64, &note->at_ns, NULL) ||
        !text || !*text || strlen(text) > CT_NOTE_BYTES_MAX)
        return FALSE;
    g_free(note->text);
    note->text = g_strdup(text);
    return TRUE;
}

static gboolean add_stored(struct ct_note_list *list, JsonNode *node)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    const char *id = object ? text_of(object, "id") : NULL;

    if (!is_id(id) || list->notes->len >= CT_NOTES_MAX)
        return FALSE;
    struct note *note = g_new0(struct note, 1);

    g_ptr_array_add(list->notes, note);
    g_strlcpy(note->id, id, sizeof(note->id));
    note->version = number_of(object, "version");
    /* There is a next one. */
    return note->version > 0 && note->version < G_MAXINT64 && set_note(note, object);
}

struct ct_note_list *ct_note_list_parse(const char *text, gsize size)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(ct_note_list) list = ct_note_list_new();
    JsonObject *object = parse(parser, text, size);
    const char *schema = object ? text_of(object, "schema") : NULL;
    JsonNode *member = object ? json_object_get_member(object, "notes") : NULL;

    if (g_strcmp0(schema, CT_NOTES_SCHEMA) != 0 || !member || !JSON_NODE_HOLDS_ARRAY(member))
        return NULL;
    JsonArray *notes = json_node_get_array(member);

    for (guint i = 0; i < json_array_get_length(notes); i++)
        if (!add_stored(list, json_array_get_element(notes, i)))
            return NULL;
    return g_steal_pointer(&list);
}

/* ---- Writing ---- */

static void add_member(JsonBuilder *json, const char *name, const char *text)
{
    json_builder_set_member_name(json, name);
    json_builder_add_string_value(json, text);
}

char *ct_note_list_text(const struct ct_note_list *list, const char *place)
{
    g_autoptr(JsonBuilder) json = json_builder_new();

    json_builder_begin_object(json);
    if (place) {
        g_autofree char *valid = g_filename_display_name(place);

        add_member(json, "place", valid);
    } else {
        add_member(json, "schema", CT_NOTES_SCHEMA);
    }
    json_builder_set_member_name(json, "notes");
    json_builder_begin_array(json);
    for (guint i = 0; i < list->notes->len; i++) {
        const struct note *note = list->notes->pdata[i];
        g_autofree char *at_ns = g_strdup_printf("%" G_GUINT64_FORMAT, note->at_ns);

        json_builder_begin_object(json);
        add_member(json, "id", note->id);
        json_builder_set_member_name(json, "version");
        json_builder_add_int_value(json, note->version);
        add_member(json, "at_ns", at_ns);
        add_member(json, "text", note->text);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
    g_autoptr(JsonNode) root = json_builder_get_root(json);

    return json_to_string(root, !place);
}

/* ---- Changes ---- */

void ct_note_list_cut(struct ct_note_list *list, guint64 from_ns, guint64 to_ns)
{
    for (guint i = list->notes->len; i > 0; i--) {
        const struct note *note = list->notes->pdata[i - 1];

        if (note->at_ns < from_ns || note->at_ns > to_ns)
            g_ptr_array_remove_index(list->notes, i - 1);
    }
}

static gboolean refuse(GError **error, guint status, const char *why)
{
    g_set_error_literal(error, G_IO_ERROR, (int)status, why);
    return FALSE;
}

static int compare(const void *a, const void *b)
{
    const struct note *first = *(struct note *const *)a;
    const struct note *second = *(struct note *const *)b;

    if (first->at_ns != second->at_ns)
        return first->at_ns < second->at_ns ? -1 : 1;
    return strcmp(first->id, second->id);
}

static gboolean add_new(struct ct_note_list *list, JsonObject *change, GError **error)
{
    if (list->notes->len >= CT_NOTES_MAX)
        return refuse(error, 400, "there are a thousand notes: remove some before you add more");
    struct note *note = g_new0(struct note, 1);

    if (!set_note(note, change)) {
        note_free(note);
        return refuse(error, 400, "a note has a moment (at_ns), and a text of 4,000 bytes at most");
    }
    g_snprintf(note->id, sizeof(note->id), "%08x%08x", g_random_int(), g_random_int());
    note->version = 1;
    g_ptr_array_add(list->notes, note);
    return TRUE;
}

static struct note *find(const struct ct_note_list *list, const char *id, guint *index)
{
    for (*index = 0; *index < list->notes->len; ++*index) {
        struct note *note = list->notes->pdata[*index];

        if (strcmp(note->id, id) == 0)
            return note;
    }
    return NULL;
}

static gboolean change_one(struct ct_note_list *list, const char *id, JsonObject *change,
                           GError **error)
{
    guint index;
    struct note *note = find(list, id, &index);

    if (!note)
        return refuse(error, 409, "this note has been removed meanwhile");
    if (note->version != number_of(change, "version"))
        return refuse(error, 409, "this note has been changed meanwhile");
    if (!json_object_has_member(change, "text")) {
        g_ptr_array_remove_index(list->notes, index);
        return TRUE;
    }
    if (!set_note(note, change))
        return refuse(error, 400, "a note has a moment (at_ns), and a text of 4,000 bytes at most");
    note->version++;
    return TRUE;
}

gboolean ct_note_list_change(struct ct_note_list *list, const char *change, gsize size,
                             GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonObject *object = parse(parser, change, size);

    if (!object)
        return refuse(error, 400, "a change of a note is a JSON object");
    const char *id = text_of(object, "id");
    gboolean is_changed = json_object_has_member(object, "id")
                              ? change_one(list, id ? id : "", object, error)
                              : add_new(list, object, error);

    if (is_changed)
        g_ptr_array_sort(list->notes, compare);
    return is_changed;
}
