#include "source/tsdl_types.h"

#include <string.h>

/* As deep as an event's header is, and some more. */
#define DEPTH_MAX 6

static char *take_type(struct ct_tsdl_parser *parser, guint depth);

struct integer {
    guint64 size;
    guint64 alignment;
    gboolean is_signed;
    gboolean is_clock;
};

/* Takes a mapping to the clock's value: there is one clock. */
static void take_map(struct ct_tsdl_parser *parser)
{
    g_autofree char *text = ct_tsdl_take(parser, CT_TSDL_WORD);
    char *name, *end;

    if (!text || !g_str_has_prefix(text, "clock.") || !g_str_has_suffix(text, ".value")) {
        ct_tsdl_fail(parser);
        return;
    }
    name = text + strlen("clock.");
    end = strchr(name, '.');
    if (!end || strcmp(end, ".value") != 0) {
        ct_tsdl_fail(parser);
        return;
    }
    *end = '\0';
    if (!parser->clock)
        parser->clock = g_strdup(name);
    if (strcmp(parser->clock, name) != 0)
        ct_tsdl_fail(parser);
}

static gboolean take_boolean(struct ct_tsdl_parser *parser)
{
    gboolean is_true = ct_tsdl_skip(parser, "true") || ct_tsdl_skip(parser, "1");

    if (!is_true && !ct_tsdl_skip(parser, "false"))
        ct_tsdl_expect(parser, "0");
    return is_true;
}

/* The bit of the attribute, which may be there once. */
static guint take_attribute(struct ct_tsdl_parser *parser, struct integer *integer)
{
    g_autofree char *name = ct_tsdl_take(parser, CT_TSDL_WORD);

    if (!name || !ct_tsdl_expect(parser, "="))
        return 0;
    if (strcmp(name, "size") == 0) {
        integer->size = ct_tsdl_take_number(parser);
        return 1;
    }
    if (strcmp(name, "align") == 0) {
        integer->alignment = ct_tsdl_take_number(parser);
        return 2;
    }
    if (strcmp(name, "signed") == 0) {
        integer->is_signed = take_boolean(parser);
        return 4;
    }
    if (strcmp(name, "map") == 0) {
        take_map(parser);
        integer->is_clock = TRUE;
        return 8;
    }
    if (strcmp(name, "encoding") == 0) {
        ct_tsdl_expect(parser, "none");
        return 16;
    }
    if (strcmp(name, "base") == 0) {
        if (!ct_tsdl_skip(parser, "10") && !ct_tsdl_skip(parser, "16"))
            ct_tsdl_expect(parser, "x");
        return 32;
    }
    return 0;
}

static gboolean is_known(const struct integer *integer)
{
    switch (integer->size) {
    case 5:
    case 27:
        return integer->alignment == 1 && !integer->is_signed;
    case 8:
    case 16:
    case 32:
    case 64:
        return integer->alignment == 8 && !(integer->is_signed && integer->is_clock);
    default:
        return FALSE;
    }
}

static char *take_integer(struct ct_tsdl_parser *parser)
{
    struct integer integer = {0};
    guint found = 0;

    ct_tsdl_expect(parser, "{");
    while (!parser->has_failed && !ct_tsdl_skip(parser, "}")) {
        guint attribute = take_attribute(parser, &integer);

        if (attribute == 0 || (found & attribute) != 0)
            ct_tsdl_fail(parser);
        found |= attribute;
        ct_tsdl_expect(parser, ";");
    }
    if (!is_known(&integer))
        ct_tsdl_fail(parser);
    if (parser->has_failed)
        return NULL;
    return g_strdup_printf("%c%" G_GUINT64_FORMAT,
                           integer.is_clock    ? 'c'
                           : integer.is_signed ? 'i'
                                               : 'u',
                           integer.size);
}

/* One mapping; the text of one with a plain name becomes part of the type. */
static void take_mapping(struct ct_tsdl_parser *parser, guint bits, GString *text)
{
    gboolean is_plain = parser->token == CT_TSDL_WORD;
    g_autofree char *name = ct_tsdl_take(parser, is_plain ? CT_TSDL_WORD : CT_TSDL_STRING);
    guint64 first, last;

    if (!name || *name == '\0' || !ct_tsdl_expect(parser, "=")) {
        ct_tsdl_fail(parser);
        return;
    }
    first = last = ct_tsdl_take_number(parser);
    if (ct_tsdl_skip(parser, "..."))
        last = ct_tsdl_take_number(parser);
    if (first > last || (bits < 64 && last >> bits != 0))
        ct_tsdl_fail(parser);
    if (!is_plain)
        return;
    g_string_append_printf(text, "%s%s=%" G_GUINT64_FORMAT, text->len > 0 ? "," : "", name, first);
    if (last > first)
        g_string_append_printf(text, "...%" G_GUINT64_FORMAT, last);
}

static char *take_enumeration(struct ct_tsdl_parser *parser, guint depth)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *type = NULL;
    guint bits;

    ct_tsdl_expect(parser, ":");
    type = take_type(parser, depth);
    if (!type || type[0] != 'u') {
        ct_tsdl_fail(parser);
        return NULL;
    }
    bits = (guint)g_ascii_strtoull(type + 1, NULL, 10);
    ct_tsdl_expect(parser, "{");
    do {
        take_mapping(parser, bits, text);
    } while (!parser->has_failed && ct_tsdl_skip(parser, ",") && !ct_tsdl_is(parser, "}"));
    ct_tsdl_expect(parser, "}");
    if (parser->has_failed)
        return NULL;
    return text->len > 0 ? g_strdup_printf("%s{%s}", type, text->str) : g_steal_pointer(&type);
}

static char *take_string(struct ct_tsdl_parser *parser)
{
    if (ct_tsdl_skip(parser, "{")) {
        ct_tsdl_expect(parser, "encoding");
        ct_tsdl_expect(parser, "=");
        ct_tsdl_expect(parser, "UTF8");
        ct_tsdl_expect(parser, ";");
        ct_tsdl_expect(parser, "}");
    }
    return g_strdup("string");
}

static gboolean is_field_end(const struct ct_tsdl_parser *parser)
{
    return ct_tsdl_is(parser, ";") || ct_tsdl_is(parser, "[");
}

/* Words up to the one before the name: of those an alias is made. */
static char *take_aliased(struct ct_tsdl_parser *parser)
{
    g_autoptr(GString) alias = g_string_new(NULL);
    const char *type = NULL;

    while (parser->token == CT_TSDL_WORD) {
        struct ct_tsdl_parser ahead = *parser;

        ct_tsdl_next(&ahead);
        if (is_field_end(&ahead) || ahead.has_failed)
            break;
        g_string_append_printf(alias, "%s%.*s", alias->len > 0 ? " " : "", (int)parser->size,
                               parser->text);
        ct_tsdl_next(parser);
        if (ct_tsdl_is(parser, "{"))
            break;
    }
    type = g_hash_table_lookup(parser->aliases, alias->str);
    if (!type)
        ct_tsdl_fail(parser);
    return g_strdup(type);
}

/* Between braces; stands behind them then. */
static char *take_fields(struct ct_tsdl_parser *parser, guint depth)
{
    g_autoptr(GString) text = g_string_new(NULL);

    ct_tsdl_expect(parser, "{");
    while (!parser->has_failed && !ct_tsdl_skip(parser, "}")) {
        g_autofree char *type = take_type(parser, depth + 1);
        g_autofree char *name = ct_tsdl_take(parser, CT_TSDL_WORD);

        if (!type || !name)
            break;
        g_string_append_printf(text, "%s %s", type, name);
        if (ct_tsdl_skip(parser, "[")) {
            g_autofree char *length = ct_tsdl_take(parser, CT_TSDL_WORD);

            ct_tsdl_expect(parser, "]");
            g_string_append_printf(text, "[%s]", length ? length : "");
        }
        ct_tsdl_expect(parser, ";");
        g_string_append_c(text, ';');
    }
    return parser->has_failed ? NULL : g_strdup(text->str);
}

/* All structs begin where a byte does: none of it moves anything. */
static void take_alignment(struct ct_tsdl_parser *parser)
{
    if (ct_tsdl_skip(parser, "align")) {
        ct_tsdl_expect(parser, "(");
        if (!ct_tsdl_skip(parser, "1"))
            ct_tsdl_expect(parser, "8");
        ct_tsdl_expect(parser, ")");
    }
}

static char *take_variant(struct ct_tsdl_parser *parser, guint depth)
{
    g_autofree char *tag = NULL;
    g_autofree char *options = NULL;

    ct_tsdl_expect(parser, "<");
    tag = ct_tsdl_take(parser, CT_TSDL_WORD);
    ct_tsdl_expect(parser, ">");
    options = take_fields(parser, depth);
    return options ? g_strdup_printf("variant<%s>{%s}", tag, options) : NULL;
}

static char *take_type(struct ct_tsdl_parser *parser, guint depth)
{
    if (depth > DEPTH_MAX) {
        ct_tsdl_fail(parser);
        return NULL;
    }
    if (ct_tsdl_skip(parser, "integer"))
        return take_integer(parser);
    if (ct_tsdl_skip(parser, "string"))
        return take_string(parser);
    if (ct_tsdl_skip(parser, "enum"))
        return take_enumeration(parser, depth + 1);
    if (ct_tsdl_skip(parser, "variant"))
        return take_variant(parser, depth);
    if (ct_tsdl_skip(parser, "struct")) {
        g_autofree char *fields = take_fields(parser, depth);

        take_alignment(parser);
        return fields ? g_strdup_printf("struct{%s}", fields) : NULL;
    }
    return take_aliased(parser);
}

void ct_tsdl_take_alias(struct ct_tsdl_parser *parser)
{
    g_autofree char *type = NULL;
    g_autoptr(GString) name = g_string_new(NULL);

    ct_tsdl_expect(parser, "integer");
    type = take_integer(parser);
    ct_tsdl_expect(parser, ":=");
    while (parser->token == CT_TSDL_WORD) {
        g_string_append_printf(name, "%s%.*s", name->len > 0 ? " " : "", (int)parser->size,
                               parser->text);
        ct_tsdl_next(parser);
    }
    ct_tsdl_expect(parser, ";");
    if (!type || name->len == 0 || g_hash_table_contains(parser->aliases, name->str))
        ct_tsdl_fail(parser);
    else
        g_hash_table_insert(parser->aliases, g_strdup(name->str), g_steal_pointer(&type));
}

void ct_tsdl_take_struct(struct ct_tsdl_parser *parser)
{
    g_autofree char *name = ct_tsdl_take(parser, CT_TSDL_WORD);
    char *fields = take_fields(parser, 0);

    take_alignment(parser);
    ct_tsdl_expect(parser, ";");
    if (name && fields && !g_hash_table_contains(parser->structs, name)) {
        g_hash_table_insert(parser->structs, g_steal_pointer(&name), fields);
    } else {
        g_free(fields);
        ct_tsdl_fail(parser);
    }
}

char *ct_tsdl_take_scope(struct ct_tsdl_parser *parser)
{
    char *fields = NULL;

    ct_tsdl_expect(parser, "struct");
    if (ct_tsdl_is(parser, "{")) {
        fields = take_fields(parser, 0);
        take_alignment(parser);
    } else {
        g_autofree char *name = ct_tsdl_take(parser, CT_TSDL_WORD);

        fields = name ? g_strdup(g_hash_table_lookup(parser->structs, name)) : NULL;
    }
    if (!fields)
        ct_tsdl_fail(parser);
    return fields;
}
