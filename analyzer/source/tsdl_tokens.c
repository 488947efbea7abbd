#include "source/tsdl_tokens.h"

#include <string.h>

static const char word_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";

void ct_tsdl_fail(struct ct_tsdl_parser *parser)
{
    parser->has_failed = TRUE;
    parser->at = "";
    parser->token = CT_TSDL_END;
    parser->text = "";
    parser->size = 0;
}

static void skip_blanks(struct ct_tsdl_parser *parser)
{
    for (;;) {
        parser->at += strspn(parser->at, " \t\n");
        if (g_str_has_prefix(parser->at, "//")) {
            parser->at += strcspn(parser->at, "\n");
        } else if (g_str_has_prefix(parser->at, "/*")) {
            const char *close = strstr(parser->at + 2, "*/");

            if (!close) {
                ct_tsdl_fail(parser);
                return;
            }
            parser->at = close + 2;
        } else {
            return;
        }
    }
}

/* What has an escape in it is left to others. */
static gsize string_size(struct ct_tsdl_parser *parser)
{
    gsize size = strcspn(parser->at + 1, "\"\\\n");

    if (parser->at[1 + size] == '"')
        return size;
    ct_tsdl_fail(parser);
    return 0;
}

void ct_tsdl_next(struct ct_tsdl_parser *parser)
{
    skip_blanks(parser);
    parser->text = parser->at;
    if (*parser->at == '\0') {
        parser->token = CT_TSDL_END;
        parser->size = 0;
    } else if (*parser->at == '"') {
        parser->size = string_size(parser);
        if (parser->has_failed)
            return;
        parser->token = CT_TSDL_STRING;
        parser->text++;
        parser->at += parser->size + 2;
    } else if (*parser->at != '.' && strchr(word_characters, *parser->at)) {
        parser->token = CT_TSDL_WORD;
        parser->size = strspn(parser->at, word_characters);
        parser->at += parser->size;
    } else {
        gboolean is_long = g_str_has_prefix(parser->at, "...");

        parser->token = CT_TSDL_MARK;
        parser->size = is_long ? 3 : g_str_has_prefix(parser->at, ":=") ? 2 : 1;
        parser->at += parser->size;
    }
}

gboolean ct_tsdl_is(const struct ct_tsdl_parser *parser, const char *text)
{
    return (parser->token == CT_TSDL_WORD || parser->token == CT_TSDL_MARK) &&
           parser->size == strlen(text) && memcmp(parser->text, text, parser->size) == 0;
}

gboolean ct_tsdl_skip(struct ct_tsdl_parser *parser, const char *text)
{
    gboolean is_there = ct_tsdl_is(parser, text);

    if (is_there)
        ct_tsdl_next(parser);
    return is_there;
}

gboolean ct_tsdl_expect(struct ct_tsdl_parser *parser, const char *text)
{
    gboolean is_there = ct_tsdl_skip(parser, text);

    if (!is_there)
        ct_tsdl_fail(parser);
    return is_there;
}

char *ct_tsdl_take(struct ct_tsdl_parser *parser, enum ct_tsdl_token token)
{
    char *text = NULL;

    if (parser->token == token)
        text = g_strndup(parser->text, parser->size);
    else
        ct_tsdl_fail(parser);
    ct_tsdl_next(parser);
    return text;
}

guint64 ct_tsdl_take_number(struct ct_tsdl_parser *parser)
{
    g_autofree char *text = ct_tsdl_take(parser, CT_TSDL_WORD);
    guint64 number = 0;

    /* A leading zero would make it octal. */
    if (!text || (text[0] == '0' && text[1] != '\0') ||
        !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &number, NULL))
        ct_tsdl_fail(parser);
    return number;
}

void ct_tsdl_parser_init(struct ct_tsdl_parser *parser, const char *text)
{
    *parser = (struct ct_tsdl_parser){.at = text};
    parser->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    parser->structs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ct_tsdl_next(parser);
}

void ct_tsdl_parser_clear(struct ct_tsdl_parser *parser)
{
    g_hash_table_unref(parser->aliases);
    g_hash_table_unref(parser->structs);
    g_free(parser->clock);
}
