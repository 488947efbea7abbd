#include "summary/heap_profile.h"

#include "model/format.h"
#include "summary/heap_series.h"

#include <math.h>

static int64_t round_to_whole(double value, double *carried)
{
    if (value >= 0x1p53)
        return value < 0x1p62 ? llround(value) : INT64_MAX;
    int64_t whole = MAX(llround(value + *carried), 0);

    *carried += value - (double)whole;
    return whole;
}

void ct_heap_profile_values(const struct ct_heap_site *site, uint64_t samples_live,
                            double carried[CT_HEAP_VALUE_COUNT],
                            int64_t values[CT_HEAP_VALUE_COUNT])
{
    struct ct_heap_amount allocated = {0}, live = {0};

    ct_heap_amount_add(&allocated, site, site->allocated);
    ct_heap_amount_add(&live, site, samples_live);
    values[CT_HEAP_ALLOC_OBJECTS] =
        round_to_whole(allocated.blocks, &carried[CT_HEAP_ALLOC_OBJECTS]);
    values[CT_HEAP_ALLOC_SPACE] = round_to_whole(allocated.bytes, &carried[CT_HEAP_ALLOC_SPACE]);
    values[CT_HEAP_INUSE_OBJECTS] = round_to_whole(live.blocks, &carried[CT_HEAP_INUSE_OBJECTS]);
    values[CT_HEAP_INUSE_SPACE] = round_to_whole(live.bytes, &carried[CT_HEAP_INUSE_SPACE]);
}

static void add_site(GArray *samples, enum ct_profile_kind kind, struct ct_process *process,
                     const struct ct_heap_site *site, uint64_t samples_live)
{
    gboolean is_of_all = kind == CT_PROFILE_KIND_ALLOCS;
    int64_t values[CT_HEAP_VALUE_COUNT];
    double carried[CT_HEAP_VALUE_COUNT] = {0};

    ct_heap_profile_values(site, samples_live, carried, values);
    struct ct_profile_sample sample = {
        .process = process,
        .stack_id = site->stack_id,
        .stack = ct_process_stack(process, site->stack_id),
        .heap_site = site,
        .heap_live = samples_live,
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
                                const struct ct_selection *selection, uint64_t at_ns)
{
    GArray *samples = g_array_new(FALSE, FALSE, sizeof(struct ct_profile_sample));

    for (guint i = 0; i < model->processes->len; i++) {
        struct ct_process *process = model->processes->pdata[i];
        const GArray *sites = process->heap ? process->heap->sites : NULL;

        if (!sites || !ct_selection_has_process(selection, process))
            continue;
        int moment =
            at_ns == CT_HEAP_PROFILE_END ? CT_HEAP_AT_END : ct_heap_moment_near(process, at_ns);
        for (guint k = 0; k < sites->len; k++) {
            const struct ct_heap_site *site = &g_array_index(sites, struct ct_heap_site, k);

            add_site(samples, kind, process, site, ct_heap_live_at(site, moment));
        }
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

/* Of more processes, those that are left are told of together. */
#define PROCESSES_TOLD 4

struct sums {
    uint64_t samples;
    uint64_t rate, highest_rate;
    uint64_t early, dropped, overflowed;
    struct ct_heap_amount allocated, live;
};

static const char *allocator_of(const struct ct_process *process)
{
    const struct ct_module *module =
        ct_process_module(process, process->heap->allocator, UINT64_MAX);

    return module ? module->path : "not known";
}

static char *describe_amount(const struct ct_heap_amount *amount, gboolean is_sampled)
{
    g_autofree char *bytes = ct_format_bytes(amount->bytes);
    g_autofree char *error = ct_format_bytes(ct_heap_amount_error(amount));
    g_autofree char *blocks = ct_format_count(ct_rounded(amount->blocks));

    return g_strdup_printf("%s in %s blocks%s%s", bytes, blocks,
                           is_sampled ? ", give or take " : "", is_sampled ? error : "");
}

/* "123 samples, one in 512 KiB and up to 1 MiB" */
static char *describe_samples(const struct sums *sums)
{
    g_autofree char *rate = ct_format_bytes((double)sums->rate);
    g_autofree char *raised = ct_format_bytes((double)sums->highest_rate);
    g_autofree char *count = ct_format_count(sums->samples);

    if (sums->rate == 0)
        return g_strdup_printf("all %s blocks", count);
    return g_strdup_printf("%s sample%s, one in %s%s%s", count, sums->samples == 1 ? "" : "s", rate,
                           sums->highest_rate > sums->rate ? " and up to " : "",
                           sums->highest_rate > sums->rate ? raised : "");
}

static char *describe_unknown(const struct sums *sums)
{
    if (sums->early + sums->dropped + sums->overflowed == 0)
        return g_strdup("");
    return g_strdup_printf("; not told of: %" G_GUINT64_FORMAT
                           " blocks from before the recording, %" G_GUINT64_FORMAT
                           " samples that were dropped; %" G_GUINT64_FORMAT
                           " that found no room among those that are live",
                           sums->early, sums->dropped, sums->overflowed);
}

static char *describe(const struct sums *sums, const char *who)
{
    g_autofree char *samples = describe_samples(sums);
    g_autofree char *all = describe_amount(&sums->allocated, sums->rate > 0);
    g_autofree char *now = describe_amount(&sums->live, sums->rate > 0);
    g_autofree char *unknown = describe_unknown(sums);

    return g_strdup_printf("%s: %s; live %s; allocated %s%s", who, samples, now, all, unknown);
}

static void sum_up(struct sums *sums, const struct ct_heap *heap)
{
    sums->rate = heap->rate;
    sums->highest_rate = MAX(sums->highest_rate, heap->rate);
    sums->early += heap->early;
    sums->dropped += heap->dropped;
    sums->overflowed += heap->overflowed;
    for (guint i = 0; i < heap->sites->len; i++) {
        const struct ct_heap_site *site = &g_array_index(heap->sites, struct ct_heap_site, i);

        ct_heap_amount_add(&sums->allocated, site, site->allocated);
        ct_heap_amount_add(&sums->live, site, site->live);
        sums->highest_rate = MAX(sums->highest_rate, site->rate);
        sums->samples += site->allocated;
    }
}

/* "heap of server (123): 9 samples, one in 512 KiB; live ...; allocated ...; allocator /lib/..." */
static void add_note(GPtrArray *notes, const struct ct_process *process)
{
    struct sums sums = {0};

    if (process->heap->rate == CT_HEAP_UNREACHED) {
        g_ptr_array_add(notes,
                        g_strdup_printf("heap of %s (%d): not recorded, since the program has its "
                                        "allocator in its own file (%s)",
                                        process->name, process->pid, allocator_of(process)));
        return;
    }
    sum_up(&sums, process->heap);
    g_autofree char *who = g_strdup_printf("heap of %s (%d)", process->name, process->pid);
    g_autofree char *text = describe(&sums, who);
    g_ptr_array_add(notes, g_strdup_printf("%s; allocator %s", text, allocator_of(process)));
}

static uint64_t count_samples(const struct ct_process *process)
{
    uint64_t samples = 0;

    for (guint i = 0; i < process->heap->sites->len; i++)
        samples += g_array_index(process->heap->sites, struct ct_heap_site, i).allocated;
    return samples;
}

/* The most samples first; then as the recording has them. */
static int compare_processes(const void *a, const void *b)
{
    uint64_t first = count_samples(*(struct ct_process *const *)a);
    uint64_t second = count_samples(*(struct ct_process *const *)b);

    return (first < second) - (first > second);
}

GPtrArray *ct_heap_notes(const struct ct_model *model, const struct ct_selection *selection)
{
    GPtrArray *notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) told = g_ptr_array_new();
    struct sums others = {0};
    guint other_count = 0;

    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        if (process->heap && ct_selection_has_process(selection, process))
            g_ptr_array_add(told, (void *)process);
    }
    if (told->len > PROCESSES_TOLD)
        g_ptr_array_sort(told, compare_processes);
    for (guint i = 0; i < told->len; i++) {
        const struct ct_process *process = told->pdata[i];

        if (i < PROCESSES_TOLD || process->heap->rate == CT_HEAP_UNREACHED) {
            add_note(notes, process);
        } else {
            sum_up(&others, process->heap);
            other_count++;
        }
    }
    if (other_count > 0) {
        g_autofree char *who =
            g_strdup_printf("heap%s of %u other process%s", other_count == 1 ? "" : "s",
                            other_count, other_count == 1 ? "" : "es");

        g_ptr_array_add(notes, describe(&others, who));
    }
    return notes;
}
