#include "query/result.h"

#include "export/json_document.h"
#include "text/safe_text.h"

#include <math.h>
#include <string.h>

static gboolean is_text(sqlite3_stmt *statement, int column)
{
    int type = sqlite3_column_type(statement, column);

    return type == SQLITE_TEXT || type == SQLITE_BLOB;
}

/* ---- CSV: lines end in CR LF, as RFC 4180 has it ---- */

static gboolean begin_csv(struct ct_result *result)
{
    for (guint i = 0; result->names[i]; i++) {
        g_autofree char *cell = ct_safe_csv(result->names[i]);

        fprintf(result->out, "%s%s", i > 0 ? "," : "", cell);
    }
    fputs("\r\n", result->out);
    return TRUE;
}

static void write_csv(struct ct_result *result)
{
    for (int i = 0; result->names[i]; i++) {
        g_autofree char *text = ct_result_text(result->statement, i);
        g_autofree char *cell =
            text && is_text(result->statement, i) ? ct_safe_csv(text) : g_strdup(text);

        fprintf(result->out, "%s%s", i > 0 ? "," : "", cell ? cell : "");
    }
    fputs("\r\n", result->out);
}

static void end_csv(struct ct_result *result)
{
    (void)result;
}

/* ---- JSON ---- */

static gboolean begin_json(struct ct_result *result)
{
    fputs("{\n  \"schema\" : \"ctrace-query-1\",\n  \"columns\" : [", result->out);
    for (guint i = 0; result->names[i]; i++) {
        g_autofree char *name = ct_json_quote(result->names[i]);

        fprintf(result->out, "%s%s", i > 0 ? ", " : "", name);
    }
    fputs("],\n  \"rows\" : [", result->out);
    return TRUE;
}

static char *json_value(sqlite3_stmt *statement, int column)
{
    g_autofree char *text = ct_result_text(statement, column);

    if (!text)
        return g_strdup("null");
    if (is_text(statement, column))
        return ct_json_quote(text);
    double number = sqlite3_column_double(statement, column);
    sqlite3_int64 whole = sqlite3_column_int64(statement, column);

    if (sqlite3_column_type(statement, column) == SQLITE_INTEGER
            ? whole > CT_JSON_WHOLE_MAX || whole < -CT_JSON_WHOLE_MAX
            : isinf(number))
        return g_strdup_printf("\"%s\"", text);
    return g_steal_pointer(&text);
}

static void write_json(struct ct_result *result)
{
    fputs(result->rows > 0 ? ",\n    {" : "\n    {", result->out);
    for (int i = 0; result->names[i]; i++) {
        g_autofree char *name = ct_json_quote(result->names[i]);
        g_autofree char *value = json_value(result->statement, i);

        fprintf(result->out, "%s%s : %s", i > 0 ? ", " : "", name, value);
    }
    fputc('}', result->out);
}

static void end_json(struct ct_result *result)
{
    fputs(result->rows > 0 ? "\n  ]\n}\n" : "]\n}\n", result->out);
}

/* ---- Which ---- */

static const struct ct_result_format csv = {"csv",     "for spreadsheets", TRUE,
                                            begin_csv, write_csv,          end_csv};
static const struct ct_result_format json = {"json",     "for programs", TRUE,
                                             begin_json, write_json,     end_json};

static const struct ct_result_format *const formats[] = {&csv, &json, &ct_result_table};

const struct ct_result_format *ct_result_format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

char **ct_result_format_rows(void)
{
    char **rows = g_new0(char *, G_N_ELEMENTS(formats) + 1);

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        rows[i] = g_strdup_printf("%s\t%s", formats[i]->name, formats[i]->purpose);
    return rows;
}

void ct_result_clear(struct ct_result *result)
{
    if (result->aside)
        fclose(result->aside);
    if (result->widths)
        g_array_unref(result->widths);
    g_strfreev(result->names);
    *result = (struct ct_result){0};
}
