#include "report/text_table.h"

#include <string.h>

#define INDENT 2
#define GAP    2

struct ct_text_table {
    const char *alignments; /* borrowed */
    GPtrArray *cells;       /* owned; char *, row by row */
};

static guint character_columns(gunichar character)
{
    if (g_unichar_iszerowidth(character))
        return 0;
    return g_unichar_iswide(character) ? 2 : 1;
}

guint ct_text_columns(const char *text)
{
    guint columns = 0;

    for (; *text; text = g_utf8_next_char(text))
        columns += character_columns(g_utf8_get_char(text));
    return columns;
}

static void append_spaces(GString *line, guint count)
{
    while (count-- > 0)
        g_string_append_c(line, ' ');
}

/* The bytes of a line: up to the last space that leaves it within `width` columns; of a single
 * word that is too long, what fits. */
static gsize line_length(const char *text, guint width)
{
    const char *space = NULL;
    const char *at = text;
    guint columns = 0;

    for (; *at; at = g_utf8_next_char(at)) {
        if (*at == ' ' && at > text)
            space = at;
        columns += character_columns(g_utf8_get_char(at));
        if (columns > width && *at != ' ')
            break;
    }
    if (!*at)
        return (gsize)(at - text);
    if (space)
        return (gsize)(space - text);
    return (gsize)((at > text ? at : g_utf8_next_char(at)) - text);
}

void ct_text_append_wrapped(GString *out, const char *text, guint used, guint indent, guint width)
{
    guint least = 20; /* an indent must not eat up a narrow terminal */

    for (;;) {
        gsize length = line_length(text, MAX(width, used + least) - used);

        g_string_append_len(out, text, (gssize)length);
        g_string_append_c(out, '\n');
        text += length;
        text += strspn(text, " ");
        if (!*text)
            return;
        append_spaces(out, indent);
        used = indent;
    }
}

void ct_text_append_cut(GString *line, const char *text, guint width)
{
    static const char ellipsis[] = "...";

    if (ct_text_columns(text) <= width) {
        g_string_append(line, text);
        return;
    }
    guint room = width > strlen(ellipsis) ? width - (guint)strlen(ellipsis) : 0;

    for (; *text; text = g_utf8_next_char(text)) {
        guint columns = character_columns(g_utf8_get_char(text));

        if (columns > room)
            break;
        room -= columns;
        g_string_append_unichar(line, g_utf8_get_char(text));
    }
    g_string_append(line, ellipsis);
}

struct ct_text_table *ct_text_table_new(const char *alignments)
{
    struct ct_text_table *table = g_new0(struct ct_text_table, 1);

    table->alignments = alignments;
    table->cells = g_ptr_array_new_with_free_func(g_free);
    return table;
}

void ct_text_table_take(struct ct_text_table *table, char *cell)
{
    g_ptr_array_add(table->cells, cell);
}

void ct_text_table_add(struct ct_text_table *table, const char *cell)
{
    ct_text_table_take(table, g_strdup(cell));
}

static void append_row(const struct ct_text_table *table, guint first, const guint *widths,
                       GString *line)
{
    gsize column_count = strlen(table->alignments);

    append_spaces(line, INDENT);
    for (guint column = 0; column < column_count && first + column < table->cells->len; column++) {
        const char *cell = g_ptr_array_index(table->cells, first + column);
        guint padding = widths[column] - ct_text_columns(cell);

        if (column > 0)
            append_spaces(line, GAP);
        if (table->alignments[column] == 'r')
            append_spaces(line, padding);
        g_string_append(line, cell);
        if (table->alignments[column] == 'l')
            append_spaces(line, padding);
    }
    while (line->len > 0 && line->str[line->len - 1] == ' ')
        g_string_truncate(line, line->len - 1);
}

void ct_text_table_finish(struct ct_text_table *table, GString *text, guint width)
{
    guint column_count = (guint)strlen(table->alignments);
    g_autofree guint *widths = g_new0(guint, column_count);
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; i < table->cells->len; i++) {
        guint columns = ct_text_columns(g_ptr_array_index(table->cells, i));

        widths[i % column_count] = MAX(widths[i % column_count], columns);
    }
    for (guint first = 0; first < table->cells->len; first += column_count) {
        g_string_truncate(line, 0);
        append_row(table, first, widths, line);
        ct_text_append_cut(text, line->str, width);
        g_string_append_c(text, '\n');
    }
    g_ptr_array_unref(table->cells);
    g_free(table);
}
