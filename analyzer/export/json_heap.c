#include "export/json_heap.h"

#include "export/json_stack.h"
#include "summary/heap_places.h"

#define AMOUNT_NAME_SIZE 64

static void add_amount(JsonBuilder *json, const char *name, const struct ct_heap_amount *amount)
{
    char blocks[AMOUNT_NAME_SIZE], bytes[AMOUNT_NAME_SIZE];

    g_snprintf(blocks, sizeof(blocks), "%s_blocks", name);
    g_snprintf(bytes, sizeof(bytes), "%s_bytes", name);
    ct_json_add_rounded(json, blocks, amount->blocks);
    ct_json_add_rounded(json, bytes, amount->bytes);
}

static void add_moments(JsonBuilder *json, const struct ct_heap_told *told)
{
    const struct ct_heap *heap = told->process->heap;

    json_builder_set_member_name(json, "moments");
    json_builder_begin_array(json);
    for (guint i = 0; i < heap->moment_count; i++) {
        json_builder_begin_object(json);
        ct_json_add_number(json, "time_ns", heap->moments_ns[i]);
        ct_json_add_rounded(json, "live_bytes", told->moments[i]);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void write_heaps(struct ct_json_document *document, const struct ct_heap_places *places)
{
    ct_json_begin_array(document, "heaps");
    for (guint i = 0; i < places->heaps->len; i++) {
        const struct ct_heap_told *told = places->heaps->pdata[i];
        const struct ct_heap *heap = told->process->heap;
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_signed(json, "pid", told->process->pid);
        ct_json_add_number(json, "process_start_ns", told->process->start_ns);
        ct_json_add_string(json, "process", told->process->name);
        ct_json_add_number(json, "rate_bytes", heap->rate);
        ct_json_add_number(json, "highest_rate_bytes", told->highest_rate);
        ct_json_add_number(json, "samples", told->samples);
        ct_json_add_number(json, "early_blocks", heap->early);
        ct_json_add_number(json, "dropped_samples", heap->dropped);
        ct_json_add_number(json, "overflowed_samples", heap->overflowed);
        add_amount(json, "allocated", &told->allocated);
        ct_json_add_rounded(json, "allocated_error_bytes", ct_heap_amount_error(&told->allocated));
        ct_json_add_number(json, "live_ns", told->live_ns);
        add_amount(json, "live", &told->live);
        ct_json_add_rounded(json, "live_error_bytes", ct_heap_amount_error(&told->live));
        add_amount(json, "before", &told->before);
        ct_json_add_number(json, "peak_ns", heap->peak_ns);
        add_amount(json, "peak", &told->peak);
        add_moments(json, told);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

/* Blocks, by powers of two; the last ones are left out while they are 0. */
static void add_histogram(JsonBuilder *json, const char *name, const double blocks[CT_HEAP_AGES])
{
    guint used = CT_HEAP_AGES;

    while (used > 0 && blocks[used - 1] <= 0)
        used--;
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < used; i++)
        ct_json_add_count(json, (uint64_t)(blocks[i] + 0.5));
    json_builder_end_array(json);
}

static void add_place(JsonBuilder *json, const struct ct_report *report,
                      const struct ct_heap_place *place)
{
    ct_json_add_signed(json, "pid", place->process->pid);
    ct_json_add_string(json, "process", place->process->name);
    ct_json_add_number(json, "processes", place->process_count);
    ct_json_add_boolean(json, "is_leak_suspect", place->is_suspect);
    ct_json_add_number(json, "smallest_bytes", place->smallest);
    ct_json_add_number(json, "largest_bytes", place->largest);
    add_amount(json, "allocated", &place->allocated);
    add_amount(json, "freed", &place->freed);
    add_amount(json, "freed_elsewhere", &place->freed_elsewhere);
    add_amount(json, "live", &place->live);
    ct_json_add_rounded(json, "live_error_bytes", ct_heap_amount_error(&place->live));
    add_amount(json, "before", &place->before);
    add_amount(json, "peak", &place->peak);
    ct_json_add_rounded(json, "life_total_ns", place->life_ns);
    add_histogram(json, "lives", place->lives);
    add_histogram(json, "ages", place->ages);
    ct_json_add_stack(json, report, "stack", place->process, place->stack_id);
}

void ct_json_write_heap(struct ct_json_document *document, const struct ct_report *report)
{
    if (!report->heap)
        return;
    g_autoptr(GPtrArray) places = ct_heap_places_in_order(report->heap, CT_HEAP_ALL);

    write_heaps(document, report->heap);
    ct_json_write_number(document, "heap_place_count", places->len);
    ct_json_begin_array(document, "heap_places");
    for (guint i = 0; i < MIN(places->len, report->top); i++) {
        add_place(ct_json_begin_element(document), report, places->pdata[i]);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}
