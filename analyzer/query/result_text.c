/* Values of SQL as text. */
#include "query/result.h"

#include <math.h>
#include <string.h>

static char *number_text(double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (isinf(number))
        return g_strdup(number > 0 ? "Infinity" : "-Infinity");
    g_ascii_formatd(text, sizeof(text), "%.15g", number);
    if (g_ascii_strtod(text, NULL) < number || g_ascii_strtod(text, NULL) > number)
        g_ascii_formatd(text, sizeof(text), "%.17g", number);
    return g_strconcat(text, strpbrk(text, ".e") ? "" : ".0", NULL);
}

static char *blob_text(const uint8_t *bytes, int size)
{
    GString *text = g_string_new("x'");

    for (int i = 0; i < size; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_string_free(g_string_append_c(text, '\''), FALSE);
}

char *ct_result_text(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        return NULL;
    case SQLITE_INTEGER: /* asked for as text, a value would forget its type */
        return g_strdup_printf("%" G_GINT64_FORMAT,
                               (gint64)sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return number_text(sqlite3_column_double(statement, column));
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_column_blob(statement, column);

        return blob_text(bytes, sqlite3_column_bytes(statement, column));
    }
    default: {
        const char *text = (const char *)sqlite3_column_text(statement, column);

        /* A string in SQL may hold any bytes; in C it ends at the first that is 0. */
        return g_utf8_make_valid(text ? text : "", sqlite3_column_bytes(statement, column));
    }
    }
}
