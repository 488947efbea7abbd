#include "assemble/assemble.h"

#include "assemble/closing.h"
#include "assemble/losses.h"
#include "assemble/preloaded.h"
#include "assemble/restated.h"
#include "assemble/settle.h"
#include "assemble/thread_state.h"
#include "assemble/trackers.h"
#include "assemble/unpreloaded.h"

struct ct_assembler {
    struct ct_trackers trackers;  /* all but the model are owned */
    struct ct_restated *restated; /* owned */
    struct ct_losses *losses;     /* owned */
};

struct ct_assembler *ct_assembler_new(struct ct_model *model, const struct ct_sink *sinks,
                                      size_t sink_count)
{
    struct ct_assembler *assembler = g_new0(struct ct_assembler, 1);
    struct ct_trackers *trackers = &assembler->trackers;

    trackers->model = model;
    trackers->output = ct_output_new(sinks, sink_count);
    trackers->extent = ct_extent_new(model);
    trackers->capture = ct_told_capture_new(model, trackers->extent);
    trackers->binding = ct_binding_new(model, trackers->output);
    trackers->lives = ct_lives_new(model, trackers->binding);
    trackers->tables = ct_tables_new(model);
    trackers->descriptors = ct_descriptors_new(model, trackers->output);
    trackers->waits = ct_waits_new(trackers->binding, trackers->output, trackers->extent);
    trackers->dedup = ct_call_dedup_new(trackers->waits, trackers->binding, trackers->output);
    trackers->reasons = ct_reasons_new(trackers->waits);
    const struct ct_calls_needs needs = {
        .model = model,
        .lives = trackers->lives,
        .binding = trackers->binding,
        .descriptors = trackers->descriptors,
        .tables = trackers->tables,
        .waits = trackers->waits,
        .dedup = trackers->dedup,
        .reasons = trackers->reasons,
    };

    trackers->calls = ct_calls_new(&needs);
    assembler->restated = ct_restated_new();
    assembler->losses = ct_losses_new();
    trackers->samples = ct_samples_new(model, trackers->lives, trackers->tables, trackers->output);
    return assembler;
}

void ct_assembler_free(struct ct_assembler *assembler)
{
    const struct ct_trackers *trackers = &assembler->trackers;
    const struct ct_model *model = trackers->model;

    for (guint i = 0; i < model->all_threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(model->all_threads->pdata[i]);

        ct_waits_end_thread(thread);
        ct_call_dedup_clear_thread(thread);
    }
    for (guint i = 0; i < model->all_processes->len; i++)
        ct_image_forget_stacks(model->all_processes->pdata[i]);
    ct_restated_settle(model);
    ct_restated_free(assembler->restated);
    ct_losses_free(assembler->losses);
    ct_samples_free(trackers->samples);
    ct_calls_free(trackers->calls);
    ct_call_dedup_free(trackers->dedup);
    ct_reasons_free(trackers->reasons);
    ct_waits_free(trackers->waits);
    ct_descriptors_free(trackers->descriptors);
    ct_tables_free(trackers->tables);
    ct_lives_free(trackers->lives);
    ct_binding_free(trackers->binding);
    ct_told_capture_free(trackers->capture);
    ct_extent_free(trackers->extent);
    ct_output_free(trackers->output);
    g_free(assembler);
}

void ct_assembler_set_rate_finder(struct ct_assembler *assembler, uint64_t (*find)(void *user),
                                  void *user)
{
    ct_lives_set_rate_finder(assembler->trackers.lives, find, user);
}

static void lose(const struct ct_assembler *assembler, uint64_t until_ns)
{
    struct ct_kernel_loss loss;

    while (ct_losses_take(assembler->losses, until_ns, &loss)) {
        ct_binding_lose(assembler->trackers.binding, &loss);
        ct_calls_lose(assembler->trackers.calls, &loss);
    }
}

/* An event of the kernel layer. */
static void add_kernel(const struct ct_assembler *assembler, const struct ct_record *record)
{
    const struct ct_trackers *trackers = &assembler->trackers;
    const struct ct_kernel_record *kernel = &record->as.kernel;

    lose(assembler, record->time_ns);
    ct_output_turn_to(trackers->output, record->time_ns);
    if (kernel->event == CT_KERNEL_ID_CPU_SAMPLE) {
        ct_samples_add(trackers->samples, kernel);
        return;
    }
    trackers->model->capture.has_kernel = TRUE;
    if (!ct_binding_add(trackers->binding, kernel))
        trackers->model->capture.records_dropped++;
    ct_unpreloaded_add(trackers, kernel);
    ct_calls_add(trackers->calls, kernel);
}

gboolean ct_assembler_add(struct ct_assembler *assembler, const struct ct_record *record,
                          GError **error)
{
    if (record->event != CT_EVENT_COUNT &&
        ct_restated_add(assembler->restated, &assembler->trackers, record))
        return TRUE;
    if (ct_is_closing(record->event))
        return ct_closing_add(&assembler->trackers, record, error);
    if (record->event == CT_EVENT_COUNT)
        add_kernel(assembler, record);
    else
        ct_preloaded_add(&assembler->trackers, record);
    return TRUE;
}

void ct_assembler_lose(struct ct_assembler *assembler, const struct ct_kernel_loss *loss)
{
    ct_losses_add(assembler->losses, loss);
}

void ct_assembler_finish(struct ct_assembler *assembler)
{
    const struct ct_trackers *trackers = &assembler->trackers;

    lose(assembler, UINT64_MAX);
    ct_told_capture_settle(trackers->capture);
    ct_extent_settle(trackers->extent);
    ct_settle_lives(trackers->model);
    ct_restated_settle(trackers->model);
    ct_samples_finish(trackers->samples);
    ct_binding_settle(trackers->binding);
    ct_calls_finish(trackers->calls);
    ct_binding_finish(trackers->binding);
    ct_output_flush(trackers->output);
    ct_settle_classes(trackers->model, trackers->binding);
    ct_model_drop_early(trackers->model);
    ct_model_sort(trackers->model);
}
