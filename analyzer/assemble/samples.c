/*
 * CPU samples -> the threads that ran. A process image is known to the kernel a moment before it
 * writes its first event: samples of that moment are held back until then.
 */
#include "assemble/state.h"

#include <string.h>

/* A few thousand are what processes that begin at the same time bring about, and no more. */
#define HELD_MAX 4096

/* By no more than this do the program's clock and the kernel's differ. */
#define SKEW_NS 1000000

struct held {
    int32_t tid;
    uint64_t time_ns;
    struct ct_kernel_cpu_sample sample; /* its addresses are owned */
};

static void held_free(void *data)
{
    struct held *held = data;

    g_free((uint64_t *)held->sample.addresses.values);
    g_free(held);
}

void ct_samples_init(struct ct_assembler *assembler)
{
    g_queue_init(&assembler->held_samples);
}

void ct_samples_clear(struct ct_assembler *assembler)
{
    g_queue_clear_full(&assembler->held_samples, held_free);
}

/* The image began when the kernel says that the sample's did, or a moment later. */
static gboolean is_image_of(const struct ct_image *image, const struct ct_kernel_cpu_sample *sample)
{
    return image &&
           (image->is_implicit || image->process.start_ns + SKEW_NS >= sample->image_start_ns);
}

static struct ct_thread *find_thread(const struct ct_image *image, int32_t tid)
{
    return g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(tid));
}

static void hand_on(struct ct_assembler *assembler, struct ct_thread *thread, uint64_t time_ns,
                    const struct ct_kernel_cpu_sample *from)
{
    struct ct_image *image = (struct ct_image *)thread->process;
    const struct ct_stack stack = {
        .count = MIN(from->addresses.count, CT_STACK_MAX_FRAMES),
        .time_ns = time_ns,
        .omitted = from->omitted,
        .outermost = from->outermost,
    };
    struct ct_sample sample = {
        .thread = thread,
        .time_ns = time_ns,
        .period_ns = from->period_ns,
        .stack_id = ct_assembler_intern_stack(assembler, image, &stack, from->addresses.values),
        .in_kernel = from->in_kernel != 0,
        .is_partial = from->is_partial != 0,
    };

    for (size_t i = 0; i < assembler->sink_count; i++) {
        if (assembler->sinks[i].on_sample)
            assembler->sinks[i].on_sample(assembler->sinks[i].user, &sample);
    }
}

/* FALSE: its thread is not known (yet). */
static gboolean take(struct ct_assembler *assembler, int32_t tid, uint64_t time_ns,
                     const struct ct_kernel_cpu_sample *sample)
{
    struct ct_image *image = g_hash_table_lookup(assembler->current, GINT_TO_POINTER(sample->pid));
    struct ct_thread *thread = is_image_of(image, sample) ? find_thread(image, tid) : NULL;

    if (!thread)
        return FALSE;
    hand_on(assembler, thread, time_ns, sample);
    return TRUE;
}

/* Of several images of the process, the first that began after the sample's did. */
static struct ct_thread *find_last(const struct ct_assembler *assembler, const struct held *held)
{
    const struct ct_image *found = NULL;

    for (guint i = 0; i < assembler->model->processes->len; i++) {
        const struct ct_image *image = g_ptr_array_index(assembler->model->processes, i);

        if (image->process.pid == held->sample.pid && is_image_of(image, &held->sample) &&
            find_thread(image, held->tid) &&
            (!found || image->process.start_ns < found->process.start_ns))
            found = image;
    }
    return found ? find_thread(found, held->tid) : NULL;
}

static void hold(struct ct_assembler *assembler, int32_t tid, uint64_t time_ns,
                 const struct ct_kernel_cpu_sample *sample)
{
    struct held *held = g_new0(struct held, 1);
    const struct ct_u64_sequence *addresses = &sample->addresses;

    held->tid = tid;
    held->time_ns = time_ns;
    held->sample = *sample;
    held->sample.addresses.values =
        g_memdup2(addresses->values, addresses->count * sizeof(addresses->values[0]));
    g_queue_push_tail(&assembler->held_samples, held);
    if (g_queue_get_length(&assembler->held_samples) <= HELD_MAX)
        return;
    held = g_queue_pop_head(&assembler->held_samples);
    if (!take(assembler, held->tid, held->time_ns, &held->sample))
        assembler->model->capture.samples_unknown++;
    held_free(held);
}

/* Those whose thread has come by now. */
static void release(struct ct_assembler *assembler)
{
    struct held *held;

    while ((held = g_queue_peek_head(&assembler->held_samples)) &&
           take(assembler, held->tid, held->time_ns, &held->sample))
        held_free(g_queue_pop_head(&assembler->held_samples));
}

void ct_samples_add(struct ct_assembler *assembler, const struct ct_kernel_record *record)
{
    const struct ct_kernel_cpu_sample *sample = &record->as.cpu_sample;
    struct ct_capture *capture = &assembler->model->capture;

    capture->samples++;
    capture->samples_partial += sample->is_partial != 0;
    capture->sample_period_ns = sample->period_ns;
    release(assembler);
    if (!take(assembler, record->tid, record->time_ns, sample))
        hold(assembler, record->tid, record->time_ns, sample);
}

void ct_samples_finish(struct ct_assembler *assembler)
{
    struct held *held;

    while ((held = g_queue_pop_head(&assembler->held_samples))) {
        struct ct_thread *thread = find_last(assembler, held);

        if (thread)
            hand_on(assembler, thread, held->time_ns, &held->sample);
        else
            assembler->model->capture.samples_unknown++;
        held_free(held);
    }
}
