#include "symbols/short_name.h"

#include <string.h>

/* Of a name that is longer, in bytes, the rest is not looked at. */
#define LOOKED_AT (1U << 20)

/* What is as short as this says more than dots. */
#define KEPT_BETWEEN 12

static const char ellipsis[] = "...";

/* The operators with angle brackets, the longest first. */
static const char *const bracket_operators[] = {
    "operator<=>", "operator<<=", "operator>>=", "operator->*", "operator<<", "operator>>",
    "operator<=",  "operator>=",  "operator->",  "operator<",   "operator>"};

/* The length of what stands here and is no bracket for all that it looks like one. */
static size_t look_alike_length(const char *at, const char *name)
{
    gboolean is_word_begin = at == name || !(g_ascii_isalnum(at[-1]) || at[-1] == '_');

    for (size_t i = 0; is_word_begin && i < G_N_ELEMENTS(bracket_operators); i++) {
        if (g_str_has_prefix(at, bracket_operators[i]))
            return strlen(bracket_operators[i]);
    }
    if (is_word_begin && g_str_has_prefix(at, "operator()"))
        return strlen("operator()");
    return g_str_has_prefix(at, "->") ? 2 : 0;
}

/* The bracket that closes the one at `open`; NULL if none does. */
static const char *find_close(const char *open, const char *name, char opening, char closing)
{
    guint depth = 0;

    for (const char *at = open; *at;) {
        size_t look_alike = look_alike_length(at, name);

        if (look_alike > 0) {
            at += look_alike;
            continue;
        }
        depth += *at == opening;
        if (*at == closing && --depth == 0)
            return at;
        at++;
    }
    return NULL;
}

static char *leave_out(const char *name, char opening, char closing)
{
    GString *shorter = g_string_new(NULL);
    gboolean is_balanced = TRUE; /* else each bracket would be looked for to the end */

    for (const char *at = name; *at;) {
        size_t look_alike = look_alike_length(at, name);
        gboolean is_open = look_alike == 0 && *at == opening && is_balanced;
        const char *close = is_open ? find_close(at, name, opening, closing) : NULL;

        is_balanced = is_balanced && (close || !is_open);

        if (close && close - at > KEPT_BETWEEN && !g_str_has_prefix(at, "(anonymous namespace)")) {
            g_string_append_printf(shorter, "%c%s", opening, ellipsis);
            at = close;
        } else {
            size_t length = MAX(look_alike, 1);

            g_string_append_len(shorter, at, (gssize)length);
            at += length;
        }
    }
    return g_string_free(shorter, FALSE);
}

static gboolean is_short(const char *name)
{
    return g_utf8_strlen(name, -1) <= CT_SHORT_NAME_CHARACTERS;
}

/* Where it begins and what it ends with says most. */
static char *leave_out_middle(const char *name)
{
    glong length = g_utf8_strlen(name, -1);
    glong kept = (CT_SHORT_NAME_CHARACTERS - (glong)strlen(ellipsis)) / 2;
    g_autofree char *begin = g_utf8_substring(name, 0, kept);
    g_autofree char *end = g_utf8_substring(name, length - kept, length);

    return g_strconcat(begin, ellipsis, end, NULL);
}

char *ct_short_name(const char *name)
{
    char *shorter = g_utf8_make_valid(name, (gssize)strnlen(name, LOOKED_AT));

    if (!is_short(shorter)) {
        g_autofree char *longer = shorter;
        shorter = leave_out(longer, '<', '>');
    }
    if (!is_short(shorter)) {
        g_autofree char *longer = shorter;
        shorter = leave_out(longer, '(', ')');
    }
    if (!is_short(shorter)) {
        g_autofree char *longer = shorter;
        shorter = leave_out_middle(longer);
    }
    return shorter;
}
