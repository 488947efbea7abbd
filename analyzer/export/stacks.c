/*
 * A profile as text, in the form of Go's ?debug=1, which go tool pprof reads, too: each stack once,
 * with how many threads are there, or how often and for how many nanoseconds they waited, and then
 * its functions.
 */
#include "export/pprof_message.h"
#include "export/stack_lines.h"
#include "export/trace_format.h"

#include <inttypes.h>
#include <string.h>

/* pprof takes no sample without an address. */
#define NO_ADDRESS " 0x1"

struct sum {
    int64_t count;
    int64_t delay_ns;
};

static void append_line(GString *lines, uint64_t address, const char *function, const char *place)
{
    g_string_append_printf(lines, "#\t0x%" PRIx64 "\t%s%s%s\n", address, function,
                           *place ? "\t" : "", place);
}

/* Samples that differ in other things than their stacks are one. */
static void add(GHashTable *sums, const struct ct_export_input *input,
                const struct ct_profile_sample *sample)
{
    struct ct_stack_lines lines =
        ct_stack_lines_make(input->symbolizer, input->kind, sample, append_line);
    char *stack = g_strdup_printf(
        "%s\n%s\n", lines.addresses->len > 0 ? lines.addresses->str : NO_ADDRESS, lines.lines->str);
    struct sum *sum = g_hash_table_lookup(sums, stack);

    if (!sum) {
        sum = g_new0(struct sum, 1);
        g_hash_table_insert(sums, g_strdup(stack), sum);
    }
    sum->count = ct_pprof_add(sum->count, sample->count);
    sum->delay_ns = ct_pprof_add(sum->delay_ns, sample->delay_ns);
    g_free(stack);
    ct_stack_lines_clear(&lines);
}

struct row {
    const char *stack; /* borrowed, as is the next */
    const struct sum *sum;
    int64_t value; /* what it goes by */
};

static int compare_rows(const void *first, const void *second)
{
    const struct row *a = first, *b = second;

    return a->value != b->value ? (a->value < b->value ? 1 : -1) : strcmp(a->stack, b->stack);
}

/* The largest first. */
static GArray *list_rows(GHashTable *sums, gboolean is_of_count)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct row));
    GHashTableIter iterator;
    void *stack, *sum;

    g_hash_table_iter_init(&iterator, sums);
    while (g_hash_table_iter_next(&iterator, &stack, &sum)) {
        const struct sum *of = sum;
        const struct row row = {stack, of, is_of_count ? of->count : of->delay_ns};

        g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare_rows);
    return rows;
}

/* The words by which pprof knows what follows. */
static void write_head(const struct ct_export_input *input, const GArray *rows,
                       gboolean is_of_count, FILE *out)
{
    const struct ct_profile_units *units = ct_profile_kind_units(input->kind);
    int64_t total = 0;

    for (guint i = 0; i < rows->len; i++)
        total = ct_pprof_add(total, g_array_index(rows, struct row, i).value);
    if (is_of_count)
        fprintf(out, "%s profile: total %" PRId64 "\n", ct_profile_kind_name(input->kind), total);
    else if (strcmp(units->time, "delay") == 0)
        fprintf(out, "--- contention:\ncycles/second=1000000000\n");
    else
        fprintf(out, "--- %s: %s and %s of each stack\n", ct_profile_kind_name(input->kind),
                units->time, units->count);
}

gboolean ct_export_write_stacks(const struct ct_export_input *input, FILE *out, GError **error)
{
    gboolean is_of_count = ct_profile_kind_units(input->kind)->is_of_count;
    g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    (void)error;
    for (guint i = 0; i < input->samples->len; i++)
        add(sums, input, &g_array_index(input->samples, struct ct_profile_sample, i));
    g_autoptr(GArray) rows = list_rows(sums, is_of_count);

    write_head(input, rows, is_of_count, out);
    for (guint i = 0; i < rows->len; i++) {
        const struct row *row = &g_array_index(rows, struct row, i);

        if (is_of_count)
            fprintf(out, "%" PRId64 " @%s", row->sum->count, row->stack);
        else
            fprintf(out, "%" PRId64 " %" PRId64 " @%s", row->sum->delay_ns, row->sum->count,
                    row->stack);
    }
    return TRUE;
}
