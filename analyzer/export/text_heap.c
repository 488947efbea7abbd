/* What programs allocated, what of it was live, and what seems to leak. */
#include "export/text_heap_tables.h"
#include "export/text_sections.h"

#include "model/format.h"
#include "summary/heap_places.h"
#include "summary/heap_profile.h"

#define MOMENTS_SHOWN 12

/* Of the largest heap: what is smaller has no picture. */
#define LEAST_PEAK 0.1

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
        {heap->early, "from before the recording"},
        {heap->dropped, "samples that were dropped"},
        {heap->overflowed, "of which it is not known whether they are live"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autofree char *count = ct_format_count(unknown[i].count);

        if (unknown[i].count > 0)
            ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "blocks that are not in these figures: %s %s",
                             count, unknown[i].what);
    }
}

static void write_process(const struct ct_text_out *out, const struct ct_heap_told *told)
{
    const struct ct_heap *heap = told->process->heap;
    g_autofree char *live = ct_format_bytes(told->live.bytes);
    g_autofree char *blocks = ct_text_heap_blocks(told->live.blocks);
    double error_bytes = ct_heap_amount_error(&told->live);
    g_autofree char *error = ct_format_bytes(error_bytes);
    g_autofree char *allocated = ct_format_bytes(told->allocated.bytes);
    g_autofree char *all_blocks = ct_text_heap_blocks(told->allocated.blocks);
    g_autofree char *when = format_moment(told, told->live_ns);
    g_autofree char *rate = format_rate(told);

    ct_text_out_entry(out, live, "live in %s blocks%s%s, in %s (%d), %s, %s after its start",
                      blocks, error_bytes > 0 ? ", give or take " : "",
                      error_bytes > 0 ? error : "", told->process->name, told->process->pid,
                      told->is_end ? "at its end" : "as it was seen", when);
    if (!told->is_end && out->report->scope.is_whole_time) {
        g_autofree char *end = ct_format_bytes(told->end.bytes);

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY,
                         "most was given back then: %s were live at its end", end);
    }
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

/* They come first. */
static guint count_sampled(const struct ct_heap_places *heap)
{
    guint count = 0;

    while (count < heap->heaps->len &&
           ((const struct ct_heap_told *)heap->heaps->pdata[count])->samples > 0)
        count++;
    return count;
}

/* In one line: a shell's children may be hundreds. */
static void write_unsampled(const struct ct_text_out *out, const struct ct_heap_places *heap,
                            guint first)
{
    const struct ct_heap_told *told = first < heap->heaps->len ? heap->heaps->pdata[first] : NULL;
    guint count = heap->heaps->len - first;
    struct ct_heap unknown = {0};

    if (!told)
        return;
    for (guint i = first; i < heap->heaps->len; i++) {
        const struct ct_heap_told *each = heap->heaps->pdata[i];

        unknown.early += each->process->heap->early;
        unknown.dropped += each->process->heap->dropped;
        unknown.overflowed += each->process->heap->overflowed;
    }
    g_autofree char *who =
        count > 1 ? g_strdup_printf("%u processes have", count)
                  : g_strdup_printf("%s (%d) has", told->process->name, told->process->pid);

    ct_text_out_line(out, 2,
                     "%s no sample, as is usual where little is allocated; with --heap=0, every "
                     "block is one",
                     who);
    write_unknown(out, &unknown);
}

static void write_unreached(const struct ct_text_out *out)
{
    const GPtrArray *processes = out->report->processes;

    for (guint i = 0; i < processes->len; i++) {
        const struct ct_process *process = processes->pdata[i];

        if (process->heap && process->heap->rate == CT_HEAP_UNREACHED)
            ct_text_out_line(out, 2, "%s (%d) has its allocator in its own file: not recorded",
                             process->name, process->pid);
    }
}

static void write_processes(const struct ct_text_out *out, const struct ct_heap_places *heap)
{
    guint sampled = count_sampled(heap);
    guint shown = MIN(sampled, out->layout->top);

    ct_text_out_heading(out, "Heap of %u process%s%s", heap->heaps->len,
                        heap->heaps->len == 1 ? "" : "es",
                        shown < sampled ? ", the largest of them" : "");
    for (guint i = 0; i < shown; i++)
        write_process(out, heap->heaps->pdata[i]);
    write_unsampled(out, heap, sampled);
    write_unreached(out);
}

/* ---- Places ---- */

static void write_ages(const struct ct_text_out *out, const struct ct_heap_place *place)
{
    const struct ct_process *process = place->process;
    uint64_t life_ns = process->end_ns - MIN(process->start_ns, process->end_ns);
    g_autofree char *age = ct_format_duration(MIN(ct_heap_median_ns(place->ages), life_ns));

    if (place->live.blocks >= 2 && ct_heap_median_ns(place->ages) > 0)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "half of them are older than %s", age);
}

static void write_suspect(const struct ct_text_out *out, const struct ct_heap_place *place,
                          guint number)
{
    g_autofree char *live = ct_format_bytes(place->live.bytes);
    g_autofree char *blocks = ct_text_heap_blocks(place->live.blocks);
    g_autofree char *allocated = ct_text_heap_blocks(place->allocated.blocks);
    g_autofree char *freed = ct_text_heap_blocks(place->freed.blocks);
    g_autofree char *process = format_process(place);
    g_autofree char *half = ct_format_bytes(place->half.bytes);
    double seconds = (double)place->second_half_ns / 1e9;
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
    g_autofree char *blocks = ct_text_heap_blocks(place->live.blocks);
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

/* ---- Over time ---- */

static void write_moments(const struct ct_text_out *out, const struct ct_heap_told *told)
{
    const struct ct_heap *heap = told->process->heap;
    guint step = (heap->moment_count + MOMENTS_SHOWN - 1) / MOMENTS_SHOWN;
    g_autofree char *end = format_moment(told, told->process->end_ns);
    g_autofree char *left = ct_format_bytes(told->end.bytes);
    double most = told->end.bytes;

    if (heap->moment_count < 2)
        return;
    for (guint i = 0; i < heap->moment_count; i++)
        most = MAX(most, told->moments[i]);
    if (most <= 0)
        return;
    ct_text_out_heading(out, "Live over the time of %s (%d)", told->process->name,
                        told->process->pid);
    for (guint i = step - 1; i < heap->moment_count; i += step) {
        g_autofree char *then = format_moment(told, heap->moments_ns[i]);
        g_autofree char *bytes = ct_format_bytes(told->moments[i]);

        ct_text_heap_bar(out, then, told->moments[i], most, bytes);
    }
    ct_text_heap_bar(out, end, told->end.bytes, most, left);
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
        ct_text_heap_growth(out, heap);
        write_live(out, heap);
        return;
    }
    write_live(out, heap);
    for (guint i = 0; i < MIN(heap->heaps->len, out->layout->top); i++) {
        const struct ct_heap_told *told = heap->heaps->pdata[i];
        const struct ct_heap_told *largest = heap->heaps->pdata[0];

        if (told->peak.bytes >= LEAST_PEAK * largest->peak.bytes)
            write_moments(out, told);
    }
    ct_text_heap_tables(out, heap);
}
