#include "doctor/recording.h"

#include "doctor/advice.h"
#include "doctor/capture.h"
#include "model/capture_notes.h"
#include "model/format.h"
#include "schema/capture_words.h"
#include "symbols/lacks.h"

#include <math.h>
#include <string.h>

/* With fewer samples or waits, shares are good to a tenth at best. */
#define FEW 100

/* More modules without names than this are summed up in one line. */
#define MODULES_MAX 10

/* Shares of what is told of, of which it is worth a word. */
#define PARTIAL_SHARE 0.01

static void add_waits(GPtrArray *advices, const char *subject, const struct ct_model *model,
                      uint64_t wait_count)
{
    g_autofree char *length = ct_format_duration(model->end_ns - model->begin_ns);
    g_autofree char *count = ct_format_count(wait_count);
    g_autofree char *text = NULL;

    if (wait_count >= FEW) {
        text = g_strdup_printf("%s waits in %s", count, length);
        ct_advices_add(advices, CT_ADVICE_FINE, subject, "waits", text, NULL);
    } else if (wait_count > 0) {
        text = g_strdup_printf("%s wait%s only, in %s: shares of so few say little", count,
                               wait_count == 1 ? "" : "s", length);
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "waits", text,
                       "let it run for longer, with its usual load; or take shorter waits, too: "
                       "--rate=0 records every one");
    } else if (ct_capture_lacks_processes(&model->capture)) {
        ct_advices_add(advices, CT_ADVICE_WRONG, subject, "waits",
                       "none: ctrace's library was not in the program",
                       "see what is said of processes here");
    } else {
        text = g_strdup_printf("none in %s: nothing that its threads did blocked for long enough, "
                               "or it was recorded for too short a time",
                               length);
        ct_advices_add(
            advices, CT_ADVICE_LESS, subject, "waits", text,
            "if it works and is slow, see what it runs: ctrace record --cpu, then ctrace "
            "pprof cpu; else let it run for longer, with load, or --rate=0");
    }
}

static void add_samples(GPtrArray *advices, const char *subject, const struct ct_capture *capture)
{
    g_autofree char *count = ct_format_count(capture->samples);
    g_autofree char *text = NULL;
    gboolean was_asked = ct_capture_has_layer(capture, CT_LAYER_CPU) ||
                         ct_capture_note_about(capture, CT_LAYER_CPU) != NULL;

    if (capture->samples >= FEW) {
        text = g_strdup_printf("%s samples", count);
        ct_advices_add(advices, CT_ADVICE_FINE, subject, "CPU profile", text, NULL);
    } else if (capture->samples > 0) {
        text =
            g_strdup_printf("%s sample%s only: a share of a half is good to %.0f %% of it", count,
                            capture->samples == 1 ? "" : "s", 200 / sqrt((double)capture->samples));
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "CPU profile", text,
                       "let it run for longer, or sample more often: --cpu=999");
    } else if (!was_asked) {
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "CPU profile",
                       "empty: no CPU samples were asked for", "ctrace record --cpu ...");
    }
    if ((double)capture->samples_partial > PARTIAL_SHARE * (double)capture->samples) {
        g_autofree char *partial = ct_capture_samples(capture);

        ct_advices_add(advices, CT_ADVICE_LESS, subject, "CPU stacks", partial,
                       "code without unwind tables was run: build it with "
                       "-fasynchronous-unwind-tables, assembler with .cfi directives");
    }
}

static void add_heap(GPtrArray *advices, const char *subject, const struct ct_model *model)
{
    gboolean was_asked = FALSE;

    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        if (process->heap && process->heap->rate != CT_HEAP_UNREACHED)
            return;
        was_asked |= process->heap != NULL;
    }
    if (was_asked)
        ct_advices_add(advices, CT_ADVICE_WRONG, subject, "heap profile",
                       "empty: the program has its allocator in its own file, where ctrace does "
                       "not see what it is asked for",
                       "link it with the C library's, or with one that is a shared library");
    else
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "heap profile",
                       "empty: allocations were not recorded", "ctrace record --heap ...");
}

/* ---- Functions that are missing ---- */

struct stacks {
    uint64_t count;
    uint64_t partial;
    uint64_t omitted; /* of which frames were too many */
};

static struct stacks resolve_stacks(const struct ct_model *model, struct ct_symbolizer *symbolizer)
{
    struct stacks stacks = {0};

    for (guint i = 0; i < model->all_processes->len; i++) {
        const struct ct_process *process = model->all_processes->pdata[i];
        GHashTableIter each;
        void *value;

        g_hash_table_iter_init(&each, process->stacks);
        while (g_hash_table_iter_next(&each, NULL, &value)) {
            const struct ct_stack *stack = value;

            stacks.count++;
            stacks.partial += stack->is_partial != 0;
            stacks.omitted += stack->omitted > 0;
            for (uint32_t frame = 0; frame < stack->count; frame++)
                ct_symbolizer_resolve_return(symbolizer, process, stack->addresses[frame],
                                             stack->time_ns);
        }
    }
    return stacks;
}

static void add_stacks(GPtrArray *advices, const char *subject, const struct ct_model *model,
                       const struct stacks *stacks)
{
    g_autofree char *by_frame_pointers = ct_capture_approximations(&model->capture);

    if (*by_frame_pointers)
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "stacks", by_frame_pointers,
                       "build with -fno-omit-frame-pointer; or record where BPF may be used (root, "
                       "Linux 5.18, BTF): it takes none");
    if (stacks->omitted > 0) {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                                                " stacks have more frames than were kept",
                                                stacks->omitted, stacks->count);

        ct_advices_add(advices, CT_ADVICE_LESS, subject, "stacks", text,
                       "keep more of each: ctrace record --frames=512");
    }
    if ((double)stacks->partial > PARTIAL_SHARE * (double)stacks->count) {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                                                " stacks lack their outermost callers",
                                                stacks->partial, stacks->count);

        ct_advices_add(advices, CT_ADVICE_LESS, subject, "stacks", text,
                       "code on them has no unwind tables, or is made while the program runs: "
                       "build it with -fasynchronous-unwind-tables or -fno-omit-frame-pointer");
    }
}

static void add_symbols(GPtrArray *advices, const char *subject,
                        const struct ct_symbolizer *symbolizer)
{
    g_autoptr(GArray) modules = ct_symbolizer_modules(symbolizer);
    guint told = 0, lacking = 0;

    for (guint i = 0; i < modules->len; i++) {
        const struct ct_symbolizer_module *module =
            &g_array_index(modules, struct ct_symbolizer_module, i);
        enum ct_symbols_lack lack = ct_symbols_lack_of(module);
        g_autofree char *text = ct_symbols_lack_describe(module);

        if (lack == CT_SYMBOLS_LACK_NOTHING)
            continue;
        lacking++;
        if (told++ < MODULES_MAX)
            ct_advices_add(advices,
                           lack == CT_SYMBOLS_LACK_LINES ? CT_ADVICE_LESS : CT_ADVICE_WRONG,
                           subject, lack == CT_SYMBOLS_LACK_LINES ? "lines" : "functions", text,
                           ct_symbols_lack_advice(lack));
    }
    if (lacking > MODULES_MAX) {
        g_autofree char *text =
            g_strdup_printf("and so it is with %u more files", lacking - MODULES_MAX);

        ct_advices_add(advices, CT_ADVICE_LESS, subject, "functions", text, "ctrace symbolize DIR");
    }
    if (modules->len > 0 && lacking == 0)
        ct_advices_add(advices, CT_ADVICE_FINE, subject, "functions",
                       "every address has its name and line", NULL);
}

/* ---- What slowed the program down ---- */

static void add_cost(GPtrArray *advices, const char *subject, const struct ct_model *model)
{
    const struct ct_capture *capture = &model->capture;
    g_autofree char *held_up = ct_capture_held_up(capture);

    if (*held_up)
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "cost", held_up,
                       "record less: a higher --rate, one class; or without --lossless");
    if (capture->is_complete && capture->rate_ns == 0)
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "cost",
                       "every wait was recorded (--rate=0), however short: that costs the program "
                       "most",
                       "leave --rate at 10us: totals stay true");
}

void ct_doctor_add_recording(GPtrArray *advices, const char *subject, const struct ct_model *model,
                             struct ct_symbolizer *symbolizer, uint64_t wait_count)
{
    struct stacks stacks = resolve_stacks(model, symbolizer);

    ct_doctor_add_losses(advices, subject, &model->capture);
    ct_doctor_add_layers(advices, subject, &model->capture);
    add_waits(advices, subject, model, wait_count);
    add_samples(advices, subject, &model->capture);
    add_heap(advices, subject, model);
    add_stacks(advices, subject, model, &stacks);
    add_symbols(advices, subject, symbolizer);
    add_cost(advices, subject, model);
}

void ct_doctor_add_trial(GPtrArray *advices, const char *subject, const struct ct_capture *capture,
                         uint64_t wait_count)
{
    ct_doctor_add_losses(advices, subject, capture);
    ct_doctor_add_layers(advices, subject, capture);
    if (wait_count == 0)
        ct_advices_add(advices, CT_ADVICE_WRONG, subject, "trial",
                       "a shell that slept was recorded, and its wait was not",
                       "see what is said of processes and losses here; if sh is linked statically, "
                       "try: ctrace record sleep 1");
    else
        ct_advices_add(advices, CT_ADVICE_FINE, subject, "trial",
                       "a shell was recorded, with its wait", NULL);
}
