#include "export/text_table.h"

#include "text/safe_text.h"

#include <string.h>

#define INDENT 2
#define GAP    2

/* Text that goes on below itself has a line of its own rather than fewer columns than this. */
#define FLOW_MIN 24

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

/* Whether a line may end before this space: a number stays with its unit, "10.5 ms". */
static gboolean is_break(const char *space, const char *begin)
{
    size_t unit_length = strspn(space + 1, "mnus");

    return space > begin && !(g_ascii_isdigit(space[-1]) && unit_length > 0 &&
                              !g_ascii_isalnum(space[1 + unit_length]));
}

/* Where to break a word that is too long: after what parts it, if that is not too early. */
static const char *break_word(const char *text, const char *end)
{
    for (const char *at = end; at - text > (end - text) / 2; at--) {
        if (strchr("/:._-,", at[-1]))
            return at;
    }
    return end;
}

/* The bytes of a line: up to the last space that leaves it within `width` columns; of a single
 * word that is too long, what fits. */
static gsize line_length(const char *text, guint width)
{
    const char *space = NULL;
    const char *at = text;
    guint columns = 0;

    for (; *at; at = g_utf8_next_char(at)) {
        if (*at == ' ' && is_break(at, text))
            space = at;
        columns += character_columns(g_utf8_get_char(at));
        if (columns > width && *at != ' ')
            break;
    }
    if (!*at)
        return (gsize)(at - text);
    if (space)
        return (gsize)(space - text);
    return (gsize)((at > text ? break_word(text, at) : g_utf8_next_char(at)) - text);
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
    ct_text_table_take(table, ct_safe_line(cell));
}

/* Where the columns of a table stand. One that does not fit beside the others begins a new line,
 * in each row. */
struct columns {
    guint count;
    guint shown;        /* the first so many */
    guint *widths;      /* owned */
    gboolean *is_first; /* owned; of its line */
};

/* Begins a new line before each column that would reach beyond `width`; returns how many there are.
 */
static guint break_lines(struct columns *columns, const char *alignments, guint width)
{
    guint lines = 0;
    guint used = 0;

    for (guint i = 0; i < columns->shown; i++) {
        gboolean is_flowing = alignments[i] == 'w';
        guint needed = is_flowing ? MIN(columns->widths[i], FLOW_MIN) : columns->widths[i];

        columns->is_first[i] = i == 0 || used + GAP + needed > width;
        if (columns->is_first[i])
            used = lines++ == 0 ? INDENT : 2 * INDENT;
        else
            used += GAP;
        used += needed;
    }
    return lines;
}

static void measure(const struct ct_text_table *table, struct columns *columns, guint width)
{
    columns->count = (guint)strlen(table->alignments);
    columns->shown = columns->count;
    columns->widths = g_new0(guint, columns->count);
    columns->is_first = g_new0(gboolean, columns->count);
    for (guint i = 0; i < table->cells->len; i++) {
        guint *cell_width = &columns->widths[i % columns->count];

        *cell_width = MAX(*cell_width, ct_text_columns(g_ptr_array_index(table->cells, i)));
    }
    guint lines = break_lines(columns, table->alignments, width);

    if (table->alignments[columns->count - 1] == 'o' && columns->is_first[columns->count - 1]) {
        columns->shown--;
        lines--;
    }
    /* Lines of like length look better than a last one with a single column. */
    while (lines > 1 && width > 0 && break_lines(columns, table->alignments, width - 1) == lines)
        width--;
    break_lines(columns, table->alignments, width);
}

static void end_line(GString *text)
{
    while (text->len > 0 && text->str[text->len - 1] == ' ')
        g_string_truncate(text, text->len - 1);
    g_string_append_c(text, '\n');
}

static void append_cell(GString *text, const char *cell, char alignment, guint width)
{
    guint padding = width - MIN(width, ct_text_columns(cell));

    if (alignment == 'r')
        append_spaces(text, padding);
    g_string_append(text, cell);
    if (alignment == 'l')
        append_spaces(text, padding);
}

static void append_row(const struct ct_text_table *table, guint first,
                       const struct columns *columns, GString *text, guint width)
{
    guint used = 0;

    for (guint i = 0; i < columns->shown && first + i < table->cells->len; i++) {
        const char *cell = g_ptr_array_index(table->cells, first + i);
        guint space = columns->is_first[i] ? (i == 0 ? INDENT : 2 * INDENT) : GAP;

        if (columns->is_first[i] && i > 0)
            end_line(text);
        used = columns->is_first[i] ? space : used + space;
        append_spaces(text, space);
        if (table->alignments[i] == 'w') {
            ct_text_append_wrapped(text, cell, used, used, width);
            return;
        }
        append_cell(text, cell, table->alignments[i], columns->widths[i]);
        used += columns->widths[i];
    }
    end_line(text);
}

static void clear_columns(struct columns *columns)
{
    g_free(columns->widths);
    g_free(columns->is_first);
}

gboolean ct_text_table_shows_all(const struct ct_text_table *table, guint width)
{
    struct columns columns;

    measure(table, &columns, width);
    clear_columns(&columns);
    return columns.shown == columns.count;
}

void ct_text_table_finish(struct ct_text_table *table, GString *text, guint width)
{
    struct columns columns;

    measure(table, &columns, width);
    for (guint first = 0; first < table->cells->len; first += columns.count)
        append_row(table, first, &columns, text, width);
    clear_columns(&columns);
    g_ptr_array_unref(table->cells);
    g_free(table);
}
