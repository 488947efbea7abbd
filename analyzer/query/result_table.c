/* A table for people: as wide as its widest cells, which are known once the last row is there. Rows
 * wait for it in a file in memory. */
#include "query/result.h"

#include "export/text_table.h"
#include "text/safe_text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Before each cell that waits: on which side of its column it stands. */
#define LEFT  'l'
#define RIGHT 'r'

static void widen(struct ct_result *result, guint column, const char *cell)
{
    guint *width = &g_array_index(result->widths, guint, column);

    *width = MAX(*width, ct_text_columns(cell));
}

static gboolean begin_table(struct ct_result *result)
{
    int fd = memfd_create("rows", MFD_CLOEXEC);

    result->aside = fd >= 0 ? fdopen(fd, "w+") : NULL;
    result->widths = g_array_new(FALSE, TRUE, sizeof(guint));
    g_array_set_size(result->widths, g_strv_length(result->names));
    for (guint i = 0; result->names[i]; i++)
        widen(result, i, result->names[i]);
    return result->aside != NULL;
}

static void add_row(struct ct_result *result)
{
    for (int i = 0; result->names[i]; i++) {
        int type = sqlite3_column_type(result->statement, i);
        g_autofree char *text = ct_result_text(result->statement, i);
        /* As people write whole numbers. */
        if (type == SQLITE_FLOAT && g_str_has_suffix(text, ".0"))
            text[strlen(text) - 2] = '\0';
        g_autofree char *cell = ct_safe_line(text ? text : "NULL");

        widen(result, (guint)i, cell);
        fputc(type == SQLITE_INTEGER || type == SQLITE_FLOAT ? RIGHT : LEFT, result->aside);
        fputs(cell, result->aside);
        fputc('\0', result->aside);
    }
}

/* No blanks at the end of a line. */
static void write_cell(const struct ct_result *result, guint column, char side, const char *cell)
{
    guint width = g_array_index(result->widths, guint, column);
    int blanks = (int)(width - MIN(ct_text_columns(cell), width));
    gboolean is_last = !result->names[column + 1];

    fprintf(result->out, "%s%*s%s%*s", column > 0 ? "  " : "", side == RIGHT ? blanks : 0, "", cell,
            side == LEFT && !is_last ? blanks : 0, "");
    if (is_last)
        fputc('\n', result->out);
}

static void write_head(const struct ct_result *result)
{
    for (guint i = 0; result->names[i]; i++) {
        g_autofree char *name = ct_safe_line(result->names[i]);

        write_cell(result, i, LEFT, name);
    }
    for (guint i = 0; result->names[i]; i++) {
        g_autofree char *line = g_strnfill(g_array_index(result->widths, guint, i), '-');

        write_cell(result, i, LEFT, line);
    }
}

static void end_table(struct ct_result *result)
{
    char *cell = NULL;
    size_t size = 0;
    guint column = 0;

    write_head(result);
    rewind(result->aside);
    while (getdelim(&cell, &size, '\0', result->aside) > 0) {
        write_cell(result, column, cell[0], cell + 1);
        column = result->names[column + 1] ? column + 1 : 0;
    }
    free(cell);
}

const struct ct_result_format ct_result_table = {"table",     "for people", FALSE,
                                                 begin_table, add_row,      end_table};
