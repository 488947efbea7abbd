#include "query/tables.h"

#include <string.h>

static const struct ct_query_table *const tables[] = {
    &ct_query_calls,   &ct_query_frames,    &ct_query_intervals, &ct_query_notes,
    &ct_query_objects, &ct_query_processes, &ct_query_record,    &ct_query_runs,
    &ct_query_samples, &ct_query_stacks,    &ct_query_threads,   &ct_query_turns,
    &ct_query_wakes,
};

const struct ct_query_table *ct_query_table_at(guint index)
{
    return index < G_N_ELEMENTS(tables) ? tables[index] : NULL;
}

static void add_table(GString *text, const struct ct_query_table *table)
{
    g_string_append_printf(text, "%s-- %s\nCREATE TABLE %s (\n", text->len > 0 ? "\n" : "",
                           table->meaning, table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct ct_query_column *column = &table->columns[i];
        g_autofree char *definition = g_strdup_printf("%s %s%s", column->name, column->type,
                                                      i + 1 < table->column_count ? "," : "");

        g_string_append_printf(text, "  %-27s -- %s\n", definition, column->meaning);
    }
    g_string_append(text, ");\n");
}

char *ct_query_schema(void)
{
    GString *text = g_string_new("");

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        add_table(text, tables[i]);
    return g_string_free(text, FALSE);
}
