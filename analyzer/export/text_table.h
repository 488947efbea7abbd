/* Columns of text for a terminal. */
#ifndef CTRACE_TEXT_TABLE_H
#define CTRACE_TEXT_TABLE_H

#include <glib.h>

struct ct_text_table;

/* `alignments` has a letter for each column: l or r; or, for the last one, w: text that goes on
 * below itself where it is too long; or o: left out where there is no room. Borrowed. */
struct ct_text_table *ct_text_table_new(const char *alignments);

/* Takes the string, which belongs to the table from then on. Cells fill row by row. */
void ct_text_table_take(struct ct_text_table *table, char *cell);
void ct_text_table_add(struct ct_text_table *table, const char *cell);

/* FALSE: there is no room for the last column, which is left out. */
gboolean ct_text_table_shows_all(const struct ct_text_table *table, guint width);

/* Writes all rows, indented by two; frees the table. Columns that do not fit into `width` go on in
 * further lines of their row, indented by two more. */
void ct_text_table_finish(struct ct_text_table *table, GString *text, guint width);

/* Columns that `text` takes on a terminal. */
guint ct_text_columns(const char *text);

/* Appends `text` and a newline, broken between words so that lines have at most `width` columns:
 * the first has `used` before it, the others are indented by `indent`. */
void ct_text_append_wrapped(GString *out, const char *text, guint used, guint indent, guint width);

#endif
