#include "text/safe_text.h"

#include <string.h>

/* Not seen, for all that Unicode calls them letters, marks and symbols; its own category for what
 * is not seen, "format", is not in here. */
static const struct {
    gunichar first, last;
} invisible[] = {
    {0x034F, 0x034F}, {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},
    {0x2065, 0x2065}, {0x2800, 0x2800}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},
    {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8}, {0x1D159, 0x1D159}, {0xE0000, 0xE0FFF},
};

static gboolean is_invisible(gunichar character)
{
    if (g_unichar_type(character) == G_UNICODE_FORMAT)
        return TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(invisible); i++)
        if (character >= invisible[i].first && character <= invisible[i].last)
            return TRUE;
    return FALSE;
}

static gboolean is_noncharacter(gunichar character)
{
    return (character & 0xFFFE) == 0xFFFE || (character >= 0xFDD0 && character <= 0xFDEF);
}

/* Whoever shows it would obey it, or not show it. */
static gboolean is_harmful(gunichar character)
{
    return g_unichar_iscntrl(character) || is_invisible(character) || is_noncharacter(character);
}

static gboolean is_line_break(gunichar character)
{
    return character == '\n' || character == '\r' || character == 0x85 || character == 0x2028 ||
           character == 0x2029;
}

static gboolean is_plain_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F)
            return FALSE;
    return TRUE;
}

gboolean ct_is_safe_line(const char *text)
{
    if (is_plain_ascii(text))
        return TRUE;
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);

        if (character != ' ' && (g_unichar_isspace(character) || is_harmful(character)))
            return FALSE;
    }
    return TRUE;
}

char *ct_safe_line(const char *text)
{
    if (ct_is_safe_line(text))
        return g_strdup(text);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *safe = g_string_new(NULL);
    gboolean is_after_break = FALSE;

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        gboolean is_space = g_unichar_isspace(character) || is_line_break(character);
        gboolean is_after_space = safe->len > 0 && safe->str[safe->len - 1] == ' ';

        is_after_break = is_line_break(character) || (is_space && is_after_break);
        if (is_after_break && is_after_space)
            continue;
        g_string_append_unichar(safe, is_space ? ' ' : is_harmful(character) ? '?' : character);
    }
    return g_string_free(safe, FALSE);
}

char *ct_safe_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (size_t i = 0; lines[i]; i++) {
        char *safe = ct_safe_line(lines[i]);

        g_free(lines[i]);
        lines[i] = safe;
    }
    return g_strjoinv("\n", lines);
}

/* Spreadsheets do not mind spaces in front, and take full-width signs for the others. */
static gboolean looks_like_formula(const char *safe)
{
    static const gunichar signs[] = {'=', '+', '-', '@', 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20};
    gunichar first = g_utf8_get_char(safe + strspn(safe, " "));

    for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
        if (first == signs[i])
            return TRUE;
    return FALSE;
}

char *ct_safe_csv(const char *text)
{
    g_autofree char *safe = ct_safe_line(text);
    gboolean is_formula = looks_like_formula(safe);

    /* Some countries' spreadsheets part cells by semicolons, and some trim blanks. */
    if (!is_formula && !strpbrk(safe, ",;\"") && safe[0] != ' ')
        return g_steal_pointer(&safe);
    GString *cell = g_string_new(is_formula ? "\"'" : "\"");

    for (const char *at = safe; *at; at++) {
        if (*at == '"')
            g_string_append_c(cell, '"');
        g_string_append_c(cell, *at);
    }
    g_string_append_c(cell, '"');
    return g_string_free(cell, FALSE);
}

/* The bytes in front of the next character that is not ASCII, or is DEL. Below that, controls stand
 * between strings: the generator has escaped those in them. */
static size_t ascii_length(const char *json)
{
    size_t length = 0;

    while (json[length] && (unsigned char)json[length] < 0x7F)
        length++;
    return length;
}

static void append_escaped(GString *json, gunichar character)
{
    gunichar beyond = character - 0x10000;

    if (character < 0x10000)
        g_string_append_printf(json, "\\u%04x", character);
    else
        g_string_append_printf(json, "\\u%04x\\u%04x", 0xD800 + (beyond >> 10),
                               0xDC00 + (beyond & 0x3FF));
}

char *ct_safe_json(const char *json)
{
    g_autofree char *valid = g_utf8_make_valid(json, -1);
    GString *safe = g_string_sized_new(strlen(valid));

    for (const char *at = valid; *at;) {
        size_t length = ascii_length(at);

        g_string_append_len(safe, at, (gssize)length);
        at += length;
        if (!*at)
            break;
        gunichar character = g_utf8_get_char(at);

        if (is_harmful(character) || is_line_break(character))
            append_escaped(safe, character);
        else
            g_string_append_unichar(safe, character);
        at = g_utf8_next_char(at);
    }
    return g_string_free(safe, FALSE);
}

char *ct_safe_xml(const char *text)
{
    g_autofree char *safe = ct_safe_lines(text);

    return g_markup_escape_text(safe, -1);
}
