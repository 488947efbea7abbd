/* What programs allocated, what of it was live, and what seems to leak. */
#include "export/text_sections.h"

#include "model/format.h"
#include "summary/heap_places.h"
#include "summary/heap_profile.h"
#include "symbols/stack_text.h"

#define BAR_COLUMNS   40
#define MOMENTS_SHOWN 12

/* Fewer make no histogram. */
#define HISTOGRAM_MIN 8

static char *format_blocks(double blocks)
{
    return ct_format_count(ct_rounded(blocks));
}

static char *format_process(const struct ct_heap_place *place)
{
    const struct ct_process *process = place->process;

    return place->process_count == 1
               ? g_strdup_printf("%s (%d)", process->name, process->pid)
               : g_strdup_printf("%u processes of %s", place->process_count, process->name);
}

/* ---- Processes ---- */

static char *format_rate(const struct ct_heap_told *told)
{
    uint64_t rate = told->process->heap->rate;
    g_autofree char *asked = ct_format_bytes((double)rate);
    g_autofree char *highest = ct_format_bytes((double)told->highest_rate);
    g_autofree char *samples = ct_format_count(told->samples);

    if (rate == 0)
        return g_strdup_printf("all %s blocks", samples);
    return g_strdup_printf("%s sample%s, one in %s%s%s", samples, told->samples == 1 ? "" : "s",
                           asked, told->highest_rate > rate ? " and up to " : "",
                           told->highest_rate > rate ? highest : "");
}

static char *format_moment(const struct ct_heap_told *told, uint64_t time_ns)
{
    return ct_format_duration(time_ns - MIN(told->process->start_ns, time_ns));
}

/* What is not in the figures. */
static void write_unknown(const struct ct_text_out *out, const struct ct_heap *heap)
{
    const struct {
        uint64_t count;
        const char *what;
    } unknown[] = {
        {heap->early, "blocks from before the recording"},
        {heap->dropped, "samples that were dropped"},
        {heap->overflowed, "blocks of which it is not known whether they are live"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autofree char *count = ct_format_count(unknown[i].count);

        if (unknown[i].count > 0)
            ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "not in these figures: %s %s", count,
                             unknown[i].what);
    }
}

static void write_process(const struct ct_text_out *out, const struct ct_heap_told *told)
{
    const struct ct_heap *heap = told->process->heap;
    g_autofree char *live = ct_format_bytes(told->live.bytes);
    g_autofree char *blocks = format_blocks(told->live.blocks);
    g_autofree char *error = ct_format_bytes(ct_heap_amount_error(&told->live));
    g_autofree char *allocated = ct_format_bytes(told->allocated.bytes);
    g_autofree char *all_blocks = format_blocks(told->allocated.blocks);
    g_autofree char *when = format_moment(told, told->live_ns);
    g_autofree char *rate = format_rate(told);

    ct_text_out_entry(out, live, "live in %s blocks%s%s, in %s (%d), %s, %s after its start",
                      blocks, heap->rate > 0 ? ", give or take " : "", heap->rate > 0 ? error : "",
                      told->process->name, told->process->pid,
                      told->is_end ? "at its end" : "as it was seen", when);
    if (heap->peak_ns > 0) {
        g_autofree char *peak = ct_format_bytes(told->peak.bytes);
        g_autofree char *then = format_moment(told, heap->peak_ns);

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "the most that was seen live: %s, at %s", peak,
                         then);
    }
    if (told->before_ns > 0) {
        g_autofree char *before = ct_format_bytes(told->before.bytes);
        g_autofree char *then = format_moment(told, told->before_ns);

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s were live at the begin of that time, at %s",
                         before, then);
    }
    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "allocated in all: %s in %s blocks; recorded: %s",
                     allocated, all_blocks, rate);
    write_unknown(out, heap);
}

static void write_processes(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    guint shown = MIN(heap->heaps->len, out->layout->top);
    const struct ct_model *model = out->report->model;

    ct_text_out_heading(out, "Heap of %u process%s%s", heap->heaps->len,
                        heap->heaps->len == 1 ? "" : "es",
                        shown < heap->heaps->len ? ", the largest of them" : "");
    for (guint i = 0; i < shown; i++)
        write_process(out, heap->heaps->pdata[i]);
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        if (process->heap && process->heap->rate == CT_HEAP_UNREACHED)
            ct_text_out_line(out, 2, "%s (%d) has its allocator in its own file: not recorded",
                             process->name, process->pid);
    }
}

/* ---- Places ---- */

static void write_ages(const struct ct_text_out *out, const struct ct_heap_place *place)
{
    const struct ct_process *process = place->process;
    uint64_t life_ns = process->end_ns - MIN(process->start_ns, process->end_ns);
    g_autofree char *age = ct_format_duration(MIN(ct_heap_median_ns(place->ages), life_ns));

    if (place->live.blocks >= 2)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "half of them are older than %s", age);
}

static void write_suspect(const struct ct_text_out *out, const struct ct_heap_place *place,
                          guint number)
{
    g_autofree char *live = ct_format_bytes(place->live.bytes);
    g_autofree char *blocks = format_blocks(place->live.blocks);
    g_autofree char *allocated = format_blocks(place->allocated.blocks);
    g_autofree char *freed = format_blocks(place->freed.blocks);
    g_autofree char *process = format_process(place);
    g_autofree char *half = ct_format_bytes(place->half.bytes);
    double seconds =
        (double)(place->process->end_ns - MIN(place->process->start_ns, place->process->end_ns)) /
        2e9;
    g_autofree char *rate = ct_format_bytes(ct_heap_place_growth(place) / MAX(seconds, 1e-9));

    ct_text_out_entry(out, live, "%u. %s blocks in %s; of %s that it allocated, %s were freed",
                      number, blocks, process, allocated,
                      place->freed.blocks < 0.5 ? "none" : freed);
    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s at half of the time; since then %s a second more",
                     half, rate);
    write_ages(out, place);
    ct_text_out_stack(out, place->process, place->stack_id);
}

static void write_suspects(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(heap, CT_HEAP_BY_SUSPICION);
    guint shown = MIN(places->len, out->layout->top);

    if (places->len == 0)
        return;
    ct_text_out_heading(out, "Leak suspects (%u of %u): live, and growing until the end", shown,
                        places->len);
    for (guint i = 0; i < shown; i++)
        write_suspect(out, places->pdata[i], i + 1);
}

static void write_live_place(const struct ct_text_out *out, const struct ct_heap_place *place,
                             guint number)
{
    g_autofree char *live = ct_format_bytes(place->live.bytes);
    g_autofree char *blocks = format_blocks(place->live.blocks);
    g_autofree char *process = format_process(place);

    ct_text_out_entry(out, live, "%u. %s block%s in %s", number, blocks,
                      g_str_equal(blocks, "1") ? "" : "s", process);
    if (out->report->scope.is_whole_time)
        write_ages(out, place);
    ct_text_out_stack(out, place->process, place->stack_id);
}

static void write_live(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(heap, CT_HEAP_BY_LIVE);
    guint shown = MIN(places->len, out->layout->top);

    if (shown == 0)
        return;
    ct_text_out_heading(out, "Live at the end%s (%u of %u places), by bytes",
                        out->report->scope.is_whole_time ? "" : " of that time", shown,
                        places->len);
    for (guint i = 0; i < shown; i++)
        write_live_place(out, places->pdata[i], i + 1);
}

/* ---- Tables ---- */

static char *format_sizes(const struct ct_heap_place *place)
{
    g_autofree char *smallest = ct_format_bytes((double)place->smallest);
    g_autofree char *largest = ct_format_bytes((double)place->largest);

    return place->smallest == place->largest ? g_strdup(largest)
                                             : g_strdup_printf("%s-%s", smallest, largest);
}

static char *format_place(const struct ct_text_out *out, const struct ct_heap_place *place)
{
    const struct ct_symbol_frame *frame =
        ct_stack_place(out->report->symbolizer, place->process, place->stack_id);

    return frame ? ct_stack_place_text(frame) : g_strdup("(no stack)");
}

/* Of a part of the time: what came to what was live before. */
static void write_growth(const struct ct_text_out *out, const struct ct_heap_places *heap)
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
        g_autofree char *blocks = format_blocks(place->live.blocks - place->before.blocks);

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
    struct ct_text_table *table = ct_text_table_new("rrrrrw");
    guint shown = MIN(places->len, out->layout->top);

    ct_text_out_heading(out, "Allocated the most (%u of %u places)", shown, places->len);
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++) {
        const struct ct_heap_place *place = places->pdata[i];

        ct_text_table_take(table, ct_format_bytes(place->allocated.bytes));
        ct_text_table_take(table, format_blocks(place->allocated.blocks));
        ct_text_table_take(table, format_sizes(place));
        ct_text_table_take(table, format_blocks(place->freed.blocks));
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

        ct_text_table_take(table, format_blocks(place->freed_elsewhere.blocks));
        ct_text_table_take(table, g_strdup_printf("%.0f %%", 100 * place->freed_elsewhere.blocks /
                                                                 place->freed.blocks));
        ct_text_table_take(table, ct_format_bytes(place->freed_elsewhere.bytes));
        ct_text_table_take(table, format_place(out, place));
    }
    ct_text_table_finish(table, out->text, out->layout->width);
}

static void write_bar(const struct ct_text_out *out, const char *label, double value, double most,
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
        g_autofree char *count = format_blocks(blocks[i]);

        write_bar(out, from, blocks[i], most, count);
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
        g_autofree char *freed = format_blocks(place->freed.blocks);
        g_autofree char *sizes = format_sizes(place);

        ct_text_out_entry(out, mean, "%u. on average, %s blocks of %s that were freed", i + 1,
                          freed, sizes);
        if (place->freed.blocks >= HISTOGRAM_MIN)
            write_histogram(out, place->lives);
        ct_text_out_stack(out, place->process, place->stack_id);
    }
}

/* ---- Over time ---- */

static void write_moments(const struct ct_text_out *out, const struct ct_heap_told *told)
{
    const struct ct_heap *heap = told->process->heap;
    guint step = (heap->moment_count + MOMENTS_SHOWN - 1) / MOMENTS_SHOWN;
    g_autofree char *end = format_moment(told, told->live_ns);
    g_autofree char *live = ct_format_bytes(told->live.bytes);
    double most = told->live.bytes;

    if (heap->moment_count < 2)
        return;
    for (guint i = 0; i < heap->moment_count; i++)
        most = MAX(most, told->moments[i]);
    ct_text_out_heading(out, "Live over the time of %s (%d)", told->process->name,
                        told->process->pid);
    for (guint i = step - 1; i < heap->moment_count; i += step) {
        g_autofree char *then = format_moment(told, heap->moments_ns[i]);
        g_autofree char *bytes = ct_format_bytes(told->moments[i]);

        write_bar(out, then, told->moments[i], most, bytes);
    }
    if (told->is_end)
        write_bar(out, end, told->live.bytes, most, live);
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
        ct_text_table_take(table, format_blocks(place->peak.blocks));
        ct_text_table_take(table, format_place(out, place));
    }
    ct_text_table_finish(table, out->text, out->layout->width);
}

static void explain_nothing(const struct ct_text_out *out)
{
    g_autoptr(GPtrArray) notes = ct_heap_notes(out->report->model, &out->report->scope.selection);

    if (out->layout->extent == CT_REPORT_SECTION)
        ct_text_out_heading(out, "No heap was recorded: %s",
                            notes->len > 0 ? (const char *)notes->pdata[0]
                                           : "record it with: ctrace record --heap PROGRAM");
}

void ct_text_section_heap(const struct ct_text_out *out)
{
    const struct ct_heap_places *heap = out->report->heap;

    if (!heap || heap->heaps->len == 0) {
        explain_nothing(out);
        return;
    }
    write_suspects(out, heap);
    write_processes(out, heap);
    if (out->layout->extent == CT_REPORT_OVERVIEW)
        return;
    if (!out->report->scope.is_whole_time) {
        write_growth(out, heap);
        write_live(out, heap);
        return;
    }
    write_live(out, heap);
    for (guint i = 0; i < MIN(heap->heaps->len, out->layout->top); i++)
        write_moments(out, heap->heaps->pdata[i]);
    write_peak(out, heap);
    write_allocated(out, heap);
    write_short_lived(out, heap);
    write_elsewhere(out, heap);
}
