#include "summary/heap_profile.h"

#include "model/format.h"

#include <math.h>

static int64_t round_to_whole(double value, double *carried)
{
    if (value >= 0x1p53)
        return value < 0x1p62 ? llround(value) : INT64_MAX;
    int64_t whole = MAX(llround(value + *carried), 0);

    *carried += value - (double)whole;
    return whole;
}

void ct_heap_profile_values(const struct ct_heap_site *site, double carried[CT_HEAP_VALUE_COUNT],
                            int64_t values[CT_HEAP_VALUE_COUNT])
{
    struct ct_heap_amount allocated = {0}, live = {0};

    ct_heap_amount_add(&allocated, site, site->allocated);
    ct_heap_amount_add(&live, site, site->live);
    values[CT_HEAP_ALLOC_OBJECTS] =
        round_to_whole(allocated.blocks, &carried[CT_HEAP_ALLOC_OBJECTS]);
    values[CT_HEAP_ALLOC_SPACE] = round_to_whole(allocated.bytes, &carried[CT_HEAP_ALLOC_SPACE]);
    values[CT_HEAP_INUSE_OBJECTS] = round_to_whole(live.blocks, &carried[CT_HEAP_INUSE_OBJECTS]);
    values[CT_HEAP_INUSE_SPACE] = round_to_whole(live.bytes, &carried[CT_HEAP_INUSE_SPACE]);
}

static void add_site(GArray *samples, enum ct_profile_kind kind, struct ct_process *process,
                     const struct ct_heap_site *site)
{
    gboolean is_of_all = kind == CT_PROFILE_KIND_ALLOCS;
    int64_t values[CT_HEAP_VALUE_COUNT];
    double carried[CT_HEAP_VALUE_COUNT] = {0};

    ct_heap_profile_values(site, carried, values);
    struct ct_profile_sample sample = {
        .process = process,
        .stack_id = site->stack_id,
        .stack = ct_process_stack(process, site->stack_id),
        .heap_site = site,
        .object_text = "",
        .peer = "",
        .count = values[is_of_all ? CT_HEAP_ALLOC_OBJECTS : CT_HEAP_INUSE_OBJECTS],
        .delay_ns = values[is_of_all ? CT_HEAP_ALLOC_SPACE : CT_HEAP_INUSE_SPACE],
    };

    g_array_append_val(samples, sample);
}

/* The most bytes first; then as the recorder found them. */
static int compare(const void *a, const void *b)
{
    const struct ct_profile_sample *first = a, *second = b;

    if (first->delay_ns != second->delay_ns)
        return first->delay_ns > second->delay_ns ? -1 : 1;
    if (first->process != second->process)
        return first->process->start_ns != second->process->start_ns
                   ? (first->process->start_ns < second->process->start_ns ? -1 : 1)
                   : first->process->pid - second->process->pid;
    return (first->heap_site > second->heap_site) - (first->heap_site < second->heap_site);
}

GArray *ct_heap_profile_samples(enum ct_profile_kind kind, const struct ct_model *model,
                                const struct ct_selection *selection)
{
    GArray *samples = g_array_new(FALSE, FALSE, sizeof(struct ct_profile_sample));

    for (guint i = 0; i < model->processes->len; i++) {
        struct ct_process *process = model->processes->pdata[i];
        const GArray *sites = process->heap ? process->heap->sites : NULL;

        for (guint k = 0; sites && k < sites->len; k++)
            if (ct_selection_has_process(selection, process))
                add_site(samples, kind, process, &g_array_index(sites, struct ct_heap_site, k));
    }
    g_array_sort(samples, compare);
    return samples;
}

/* ---- What is to be known ---- */

gboolean ct_heap_is_recorded(const struct ct_model *model)
{
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        if (process->heap && process->heap->rate != CT_HEAP_UNREACHED)
            return TRUE;
    }
    return FALSE;
}

static const char *allocator_of(const struct ct_process *process)
{
    const struct ct_module *module =
        ct_process_module(process, process->heap->allocator, UINT64_MAX);

    return module ? module->path : "not known";
}

static char *format_bytes(double bytes)
{
    return g_format_size_full(ct_rounded(bytes), G_FORMAT_SIZE_IEC_UNITS);
}

static char *describe_amount(const struct ct_heap_amount *amount, gboolean is_sampled)
{
    g_autofree char *bytes = format_bytes(amount->bytes);
    g_autofree char *error = format_bytes(ct_heap_amount_error(amount));
    g_autofree char *blocks = ct_format_count(ct_rounded(amount->blocks));

    return g_strdup_printf("%s in %s blocks%s%s", bytes, blocks,
                           is_sampled ? ", give or take " : "", is_sampled ? error : "");
}

/* "heap of server (123): sampled, one in 512 KiB; allocator /lib/...: ..." */
static void add_notes(GPtrArray *notes, const struct ct_process *process)
{
    const struct ct_heap *heap = process->heap;
    struct ct_heap_amount allocated = {0}, live = {0};
    uint64_t highest = heap->rate, samples = 0;

    if (heap->rate == CT_HEAP_UNREACHED) {
        g_ptr_array_add(notes,
                        g_strdup_printf("heap of %s (%d): not recorded, since the program has its "
                                        "allocator in its own file (%s)",
                                        process->name, process->pid, allocator_of(process)));
        return;
    }
    for (guint i = 0; i < heap->sites->len; i++) {
        const struct ct_heap_site *site = &g_array_index(heap->sites, struct ct_heap_site, i);

        ct_heap_amount_add(&allocated, site, site->allocated);
        ct_heap_amount_add(&live, site, site->live);
        highest = MAX(highest, site->rate);
        samples += site->allocated;
    }
    g_autofree char *rate = format_bytes((double)heap->rate);
    g_autofree char *raised = format_bytes((double)highest);
    g_autofree char *count = ct_format_count(samples);
    g_autofree char *all = describe_amount(&allocated, heap->rate > 0);
    g_autofree char *now = describe_amount(&live, heap->rate > 0);
    g_autofree char *how =
        heap->rate == 0
            ? g_strdup_printf("all %s blocks", count)
            : g_strdup_printf("%s sample%s, one in %s%s%s", count, samples == 1 ? "" : "s", rate,
                              highest > heap->rate ? " and up to " : "",
                              highest > heap->rate ? raised : "");

    g_ptr_array_add(notes, g_strdup_printf("heap of %s (%d): %s; allocator %s", process->name,
                                           process->pid, how, allocator_of(process)));
    g_ptr_array_add(notes, g_strdup_printf("heap of %s (%d): live %s; allocated %s", process->name,
                                           process->pid, now, all));
    if (heap->early + heap->dropped + heap->overflowed > 0)
        g_ptr_array_add(notes,
                        g_strdup_printf("heap of %s (%d): not told of: %" G_GUINT64_FORMAT
                                        " blocks from before the recording, %" G_GUINT64_FORMAT
                                        " samples that were dropped; %" G_GUINT64_FORMAT
                                        " that found no room among those that are live",
                                        process->name, process->pid, heap->early, heap->dropped,
                                        heap->overflowed));
}

GPtrArray *ct_heap_notes(const struct ct_model *model, const struct ct_selection *selection)
{
    GPtrArray *notes = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        if (process->heap && ct_selection_has_process(selection, process))
            add_notes(notes, process);
    }
    return notes;
}
