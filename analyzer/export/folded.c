/* A profile as flame graph tools read it: a line for each stack, its functions from the outermost
 * one on with ';' in between, then its nanoseconds. */
#include "export/sample_stack.h"
#include "export/trace_format.h"
#include "text/safe_text.h"

#include <string.h>

/* What ends a function's name, or a line, is no part of one. */
static void append_frame(GString *line, const char *name)
{
    g_autofree char *safe = ct_safe_line(name);

    g_strdelimit(safe, ";", ':');
    if (line->len > 0)
        g_string_append_c(line, ';');
    g_string_append(line, safe);
}

static char *line_of(const struct ct_export_input *input, const struct ct_profile_sample *sample,
                     GStringChunk *names)
{
    g_autoptr(GArray) frames = ct_sample_stack_list(input->symbolizer, input->kind, sample, names);
    GString *line = g_string_new(NULL);

    append_frame(line, sample->process->name);
    for (guint i = 0; i < frames->len; i++)
        append_frame(line, g_array_index(frames, struct ct_sample_frame, i).function);
    return g_string_free(line, FALSE);
}

static void add(GHashTable *sums, char *line, int64_t delay_ns)
{
    int64_t *sum = g_hash_table_lookup(sums, line);

    if (sum) {
        *sum += delay_ns;
        g_free(line);
    } else {
        g_hash_table_insert(sums, line, g_memdup2(&delay_ns, sizeof(delay_ns)));
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Samples that differ in other things than their stacks are one line. */
gboolean ct_export_write_folded(const struct ct_export_input *input, FILE *out, GError **error)
{
    g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GStringChunk *names = g_string_chunk_new(1024);
    guint count = 0;

    (void)error;
    for (guint i = 0; i < input->samples->len; i++) {
        const struct ct_profile_sample *sample =
            &g_array_index(input->samples, struct ct_profile_sample, i);

        add(sums, line_of(input, sample, names), sample->delay_ns);
    }
    g_autofree void **lines = g_hash_table_get_keys_as_array(sums, &count);

    if (count > 0)
        qsort(lines, count, sizeof(*lines), compare_lines);
    for (guint i = 0; i < count; i++)
        fprintf(out, "%s %" G_GINT64_FORMAT "\n", (const char *)lines[i],
                *(const int64_t *)g_hash_table_lookup(sums, lines[i]));
    g_string_chunk_free(names);
    return TRUE;
}
