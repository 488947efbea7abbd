#include "export/text_heap_tables.h"

#include "model/format.h"
#include "symbols/stack_text.h"

#define BAR_COLUMNS 40

/* Of a place in a table. */
#define CALLERS_SHOWN 3

/* Fewer make no histogram. */
#define HISTOGRAM_MIN 8

char *ct_text_heap_blocks(double blocks)
{
    return ct_format_count(ct_rounded(blocks));
}

static char *format_sizes(const struct ct_heap_place *place)
{
    g_autofree char *smallest = ct_format_bytes((double)place->smallest);
    g_autofree char *largest = ct_format_bytes((double)place->largest);

    return place->smallest == place->largest ? g_strdup(largest)
                                             : g_strdup_printf("%s-%s", smallest, largest);
}

/* "reserve (pool.c:12) < make_pool (pool.c:40) < main": what allocates is often a program's own
 * malloc, so that its callers tell more. */
static char *format_place(const struct ct_text_out *out, const struct ct_heap_place *place)
{
    g_autoptr(GArray) frames =
        ct_stack_list_shown(out->report->symbolizer, place->process, place->stack_id);
    const struct ct_symbol_frame *innermost =
        ct_stack_place(out->report->symbolizer, place->process, place->stack_id);
    GString *text = g_string_new(NULL);
    guint shown = 0;

    for (guint i = 0; i < frames->len && shown < CALLERS_SHOWN; i++) {
        const struct ct_symbol_frame *frame =
            g_array_index(frames, struct ct_stack_frame, i).function;

        if (!frame || (shown == 0 && frame != innermost))
            continue;
        g_autofree char *one = ct_stack_place_text(frame);
        g_string_append_printf(text, "%s%s", shown++ > 0 ? " < " : "", one);
    }
    if (shown == 0)
        g_string_append(text, "(no stack)");
    return g_string_free(text, FALSE);
}

/* Of a part of the time: what came to what was live before. */
void ct_text_heap_growth(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    static const char *const headings[] = {"GROWTH", "BLOCKS", "BYTES BEFORE", "PLACE"};
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(heap, CT_HEAP_BY_GROWTH);
    guint shown = MIN(places->len, out->layout->top);

    if (shown == 0) {
        ct_text_out_heading(out, "Nothing grew in that time");
        return;
    }
    struct ct_text_table *table = ct_text_table_new("rrrw");
    ct_text_out_heading(out, "Grew the most in that time (%u of %u places)", shown, places->len);
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++) {
        const struct ct_heap_place *place = places->pdata[i];
        g_autofree char *growth = ct_format_bytes(ct_heap_place_growth(place));
        g_autofree char *blocks = ct_text_heap_blocks(place->live.blocks - place->before.blocks);

        ct_text_table_take(table, g_strdup_printf("+%s", growth));
        ct_text_table_take(table, g_strdup_printf("+%s", blocks));
        ct_text_table_take(table, ct_format_bytes(place->before.bytes));
        ct_text_table_take(table, format_place(out, place));
    }
    ct_text_table_finish(table, out->text, out->layout->width);
}

static char *format_life(const struct ct_heap_place *place)
{
    return place->freed.blocks > 0 ? ct_format_duration(ct_heap_median_ns(place->lives))
                                   : g_strdup("-");
}

static void write_allocated(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    static const char *const headings[] = {"BYTES", "BLOCKS", "OF", "FREED", "P50 LIFE", "PLACE"};
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(heap, CT_HEAP_BY_ALLOCATED);
    guint shown = MIN(places->len, out->layout->top);

    if (shown == 0)
        return;
    struct ct_text_table *table = ct_text_table_new("rrrrrw");
    ct_text_out_heading(out, "Allocated the most (%u of %u places)", shown, places->len);
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++) {
        const struct ct_heap_place *place = places->pdata[i];

        ct_text_table_take(table, ct_format_bytes(place->allocated.bytes));
        ct_text_table_take(table, ct_text_heap_blocks(place->allocated.blocks));
        ct_text_table_take(table, format_sizes(place));
        ct_text_table_take(table, ct_text_heap_blocks(place->freed.blocks));
        ct_text_table_take(table, format_life(place));
        ct_text_table_take(table, format_place(out, place));
    }
    ct_text_table_finish(table, out->text, out->layout->width);
}

static void write_elsewhere(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    static const char *const headings[] = {"BLOCKS", "OF FREED", "BYTES", "PLACE"};
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(heap, CT_HEAP_BY_ELSEWHERE);
    guint shown = MIN(places->len, out->layout->top);

    if (shown == 0)
        return;
    struct ct_text_table *table = ct_text_table_new("rrrw");
    ct_text_out_heading(out, "Freed by other threads than allocated them (%u of %u places)", shown,
                        places->len);
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++) {
        const struct ct_heap_place *place = places->pdata[i];

        ct_text_table_take(table, ct_text_heap_blocks(place->freed_elsewhere.blocks));
        ct_text_table_take(table, g_strdup_printf("%.0f %%", 100 * place->freed_elsewhere.blocks /
                                                                 place->freed.blocks));
        ct_text_table_take(table, ct_format_bytes(place->freed_elsewhere.bytes));
        ct_text_table_take(table, format_place(out, place));
    }
    ct_text_table_finish(table, out->text, out->layout->width);
}

void ct_text_heap_bar(const struct ct_text_out *out, const char *label, double value, double most,
                      const char *figure)
{
    gsize columns = most > 0 ? (gsize)(BAR_COLUMNS * value / most) : 0;
    g_autofree char *bar = g_strnfill(MAX(columns, value > 0 ? 1 : 0), '#');

    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%8s |%-*s| %s", label, BAR_COLUMNS, bar, figure);
}

static void write_histogram(const struct ct_text_out *out, const double blocks[CT_HEAP_AGES])
{
    guint first = 0, last = CT_HEAP_AGES - 1;
    double most = 0;

    while (first < last && blocks[first] <= 0)
        first++;
    while (last > first && blocks[last] <= 0)
        last--;
    for (guint i = first; i <= last; i++)
        most = MAX(most, blocks[i]);
    for (guint i = first; i <= last; i++) {
        g_autofree char *from = ct_format_duration(i > 0 ? UINT64_C(128) << i : 0);
        g_autofree char *count = ct_text_heap_blocks(blocks[i]);

        ct_text_heap_bar(out, from, blocks[i], most, count);
    }
}

static void write_short_lived(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(heap, CT_HEAP_BY_LIFE);
    guint shown = MIN(places->len, out->layout->top);

    if (shown == 0)
        return;
    ct_text_out_heading(out,
                        "Lived the shortest (%u of %u places that had a hundredth of all that "
                        "was freed)",
                        shown, places->len);
    for (guint i = 0; i < shown; i++) {
        const struct ct_heap_place *place = places->pdata[i];
        g_autofree char *mean =
            ct_format_duration(ct_rounded(place->life_ns / MAX(place->freed.blocks, 1e-9)));
        g_autofree char *freed = ct_text_heap_blocks(place->freed.blocks);
        g_autofree char *sizes = format_sizes(place);

        ct_text_out_entry(out, mean, "%u. on average, %s blocks of %s that were freed", i + 1,
                          freed, sizes);
        if (place->freed.blocks >= HISTOGRAM_MIN)
            write_histogram(out, place->lives);
        ct_text_out_stack(out, place->process, place->stack_id);
    }
}

static void write_peak(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(heap, CT_HEAP_BY_PEAK);
    guint shown = MIN(places->len, out->layout->top);

    if (shown == 0) /* nobody looked */
        return;
    struct ct_text_table *table = ct_text_table_new("rrw");
    ct_text_out_heading(out, "Live when there was the most%s (%u of %u places)",
                        heap->heaps->len > 1 ? ", in each process" : "", shown, places->len);
    ct_text_table_add(table, "BYTES");
    ct_text_table_add(table, "BLOCKS");
    ct_text_table_add(table, "PLACE");
    for (guint i = 0; i < shown; i++) {
        const struct ct_heap_place *place = places->pdata[i];

        ct_text_table_take(table, ct_format_bytes(place->peak.bytes));
        ct_text_table_take(table, ct_text_heap_blocks(place->peak.blocks));
        ct_text_table_take(table, format_place(out, place));
    }
    ct_text_table_finish(table, out->text, out->layout->width);
}

void ct_text_heap_tables(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    write_peak(out, heap);
    write_allocated(out, heap);
    write_short_lived(out, heap);
    write_elsewhere(out, heap);
}
