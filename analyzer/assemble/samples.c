#include "assemble/samples.h"

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

struct ct_samples {
    struct ct_model *model;         /* borrowed */
    const struct ct_lives *lives;   /* borrowed */
    struct ct_tables *tables;       /* borrowed */
    const struct ct_output *output; /* borrowed */
    GQueue held;                    /* owned; those whose thread is not known yet */
};

struct ct_samples *ct_samples_new(struct ct_model *model, const struct ct_lives *lives,
                                  struct ct_tables *tables, const struct ct_output *output)
{
    struct ct_samples *samples = g_new0(struct ct_samples, 1);

    samples->model = model;
    samples->lives = lives;
    samples->tables = tables;
    samples->output = output;
    g_queue_init(&samples->held);
    return samples;
}

void ct_samples_free(struct ct_samples *samples)
{
    g_queue_clear_full(&samples->held, held_free);
    g_free(samples);
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

static void hand_on(struct ct_samples *samples, struct ct_thread *thread, uint64_t time_ns,
                    const struct ct_kernel_cpu_sample *from)
{
    struct ct_image *image = ct_image_of(thread);
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
        .stack_id = ct_tables_intern_stack(samples->tables, image, &stack, from->addresses.values),
        .in_kernel = from->in_kernel != 0,
        .is_partial = from->is_partial != 0,
    };

    ct_output_add_sample(samples->output, &sample);
}

/* FALSE: its thread is not known (yet). */
static gboolean take(struct ct_samples *samples, int32_t tid, uint64_t time_ns,
                     const struct ct_kernel_cpu_sample *sample)
{
    struct ct_image *image = ct_lives_image(samples->lives, sample->pid);
    struct ct_thread *thread = is_image_of(image, sample) ? find_thread(image, tid) : NULL;

    if (!thread)
        return FALSE;
    hand_on(samples, thread, time_ns, sample);
    return TRUE;
}

/* Of several images of the process, the first that began after the sample's did. */
static struct ct_thread *find_last(const struct ct_samples *samples, const struct held *held)
{
    const struct ct_image *found = NULL;

    for (guint i = 0; i < samples->model->processes->len; i++) {
        const struct ct_image *image = g_ptr_array_index(samples->model->processes, i);

        if (image->process.pid == held->sample.pid && is_image_of(image, &held->sample) &&
            find_thread(image, held->tid) &&
            (!found || image->process.start_ns < found->process.start_ns))
            found = image;
    }
    return found ? find_thread(found, held->tid) : NULL;
}

static void hold(struct ct_samples *samples, int32_t tid, uint64_t time_ns,
                 const struct ct_kernel_cpu_sample *sample)
{
    struct held *held = g_new0(struct held, 1);
    const struct ct_u64_sequence *addresses = &sample->addresses;

    held->tid = tid;
    held->time_ns = time_ns;
    held->sample = *sample;
    held->sample.addresses.values =
        g_memdup2(addresses->values, addresses->count * sizeof(addresses->values[0]));
    g_queue_push_tail(&samples->held, held);
    if (g_queue_get_length(&samples->held) <= HELD_MAX)
        return;
    held = g_queue_pop_head(&samples->held);
    if (!take(samples, held->tid, held->time_ns, &held->sample))
        samples->model->capture.samples_unknown++;
    held_free(held);
}

/* Those whose thread has come by now. */
static void release(struct ct_samples *samples)
{
    struct held *held;

    while ((held = g_queue_peek_head(&samples->held)) &&
           take(samples, held->tid, held->time_ns, &held->sample))
        held_free(g_queue_pop_head(&samples->held));
}

void ct_samples_add(struct ct_samples *samples, const struct ct_kernel_record *record)
{
    const struct ct_kernel_cpu_sample *sample = &record->as.cpu_sample;
    struct ct_capture *capture = &samples->model->capture;

    capture->samples++;
    capture->samples_partial += sample->is_partial != 0;
    capture->sample_period_ns = sample->period_ns;
    release(samples);
    if (!take(samples, record->tid, record->time_ns, sample))
        hold(samples, record->tid, record->time_ns, sample);
}

void ct_samples_finish(struct ct_samples *samples)
{
    struct held *held;

    while ((held = g_queue_pop_head(&samples->held))) {
        struct ct_thread *thread = find_last(samples, held);

        if (thread)
            hand_on(samples, thread, held->time_ns, &held->sample);
        else
            samples->model->capture.samples_unknown++;
        held_free(held);
    }
}
