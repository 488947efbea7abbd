#include "assemble/state.h"

#include <math.h>

static uint64_t thread_end_ns(const struct ct_thread_state *thread, uint64_t trace_end_ns)
{
    const struct ct_image *image = (const struct ct_image *)thread->thread.process;
    uint64_t end_ns = image->has_ended ? image->process.end_ns : trace_end_ns;

    if (thread->thread.has_exited)
        end_ns = thread->thread.end_ns;
    return MAX(MAX(end_ns, thread->last_end_ns), thread->thread.start_ns);
}

/* A thread's classes add up to its life. What its waits leave over is running. */
static void settle_classes(struct ct_thread_state *thread)
{
    uint64_t *class_ns = thread->thread.class_ns;
    uint64_t left_ns = thread->thread.end_ns - thread->thread.start_ns;
    double sum_ns = 0;

    for (size_t i = 0; i < CT_CLASS_COUNT; i++) {
        if (i == CT_CLASS_RUNNING)
            continue;
        if (!thread->thread.has_totals)
            class_ns[i] = (uint64_t)llround(MIN(thread->estimated_ns[i], 9e18));
        else /* which count waits inside others twice */
            class_ns[i] -= MIN(thread->nested_ns[i], class_ns[i]);
        sum_ns += (double)class_ns[i];
    }
    /* Estimates vary, and clocks by some ppm: more than a whole life shrinks to fit. */
    double scale = sum_ns > (double)left_ns ? (double)left_ns / sum_ns : 1.0;

    for (size_t i = 0; i < CT_CLASS_COUNT; i++) {
        if (i == CT_CLASS_RUNNING)
            continue;
        if (scale < 1.0)
            class_ns[i] = (uint64_t)((double)class_ns[i] * scale);
        class_ns[i] = MIN(class_ns[i], left_ns);
        left_ns -= class_ns[i];
    }
    class_ns[CT_CLASS_RUNNING] = left_ns;
}

/* A thread that was there before the recording began is accounted for from then on. */
static void settle_life(struct ct_thread_state *thread, const struct ct_model *model)
{
    struct ct_thread *settled = &thread->thread;

    settled->end_ns = MIN(thread_end_ns(thread, model->end_ns), model->end_ns);
    settled->start_ns = MIN(MAX(settled->start_ns, model->begin_ns), settled->end_ns);
    settled->process->end_ns = MAX(settled->process->end_ns, settled->end_ns);
}

static void settle_extent(struct ct_assembler *assembler)
{
    struct ct_model *model = assembler->model;

    if (assembler->first_ns == UINT64_MAX)
        assembler->first_ns = MIN(assembler->last_ns, model->end_ns);
    if (!assembler->has_extent)
        model->begin_ns = assembler->first_ns;
    /* What was brought out after the end, by whoever finished it, comes late and belongs before. */
    if (!assembler->has_extent)
        model->end_ns = MAX(model->end_ns, assembler->last_ns);
    model->end_ns = MAX(MAX(model->end_ns, assembler->last_wait_end_ns), model->begin_ns);
    /* It was delayed, and ended before it began. */
    if (assembler->has_extent && model->begin_ns == 0)
        model->begin_ns = model->end_ns;
}

static void name_thread(struct ct_thread_state *thread)
{
    if (!thread->has_name || !thread->thread.name[0])
        ct_assign_string(&thread->thread.name, thread->thread.process->name);
}

/* The counts of events that found no room have no kinds: waits are taken to be in them. */
static void count_lost_waits(struct ct_assembler *assembler)
{
    struct ct_capture *capture = &assembler->model->capture;
    uint64_t wait_count = assembler->wait_count;

    capture->events_lost = ct_add_u64(capture->events_lost, assembler->ring_events_lost);
    if (capture->waits_recorded <= wait_count)
        return;
    capture->waits_lost = capture->waits_recorded - wait_count;
    capture->events_lost -= MIN(capture->events_lost, capture->waits_lost);
}

void ct_assembler_finish(struct ct_assembler *assembler)
{
    struct ct_model *model = assembler->model;

    count_lost_waits(assembler);
    settle_extent(assembler);
    for (guint i = 0; i < model->processes->len; i++) {
        struct ct_image *image = g_ptr_array_index(model->processes, i);

        if (image->is_implicit)
            image->process.start_ns = 0;
        if (!image->has_ended || image->process.end_ns > model->end_ns)
            image->process.end_ns = model->end_ns;
        /* When it began is the program's word, and may be a lie. */
        image->process.start_ns = MIN(image->process.start_ns, image->process.end_ns);
    }
    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(g_ptr_array_index(model->threads, i));

        name_thread(thread);
        settle_life(thread, model);
    }
    ct_samples_finish(assembler);
    ct_kernel_finish(assembler);
    ct_wakes_flush(assembler->wakes);
    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(g_ptr_array_index(model->threads, i));

        if (!ct_kernel_settle(assembler, thread))
            settle_classes(thread);
    }
    ct_model_drop_early(model);
    ct_model_sort(model);
}
