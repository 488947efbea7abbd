#include "assemble/settle.h"

#include "assemble/image.h"
#include "assemble/lives.h"
#include "assemble/thread_state.h"
#include "assemble/waits.h"

#include <math.h>

/* ---- Lives ---- */

static uint64_t thread_end_ns(const struct ct_thread_state *thread, uint64_t trace_end_ns)
{
    const struct ct_image *image = ct_image_of(&thread->thread);
    uint64_t end_ns = image->has_ended ? image->process.end_ns : trace_end_ns;

    /* Of a process that is killed, or exits, one thread ends after the other. */
    end_ns = thread->thread.has_exited ? thread->thread.end_ns
                                       : MIN(end_ns, ct_binding_task_end_ns(thread));
    return MAX(MAX(end_ns, ct_waits_last_end_ns(thread)), thread->thread.start_ns);
}

/* Whoever tells of it as the recording goes on saw it end no sooner than what is left of that
 * began. */
static uint64_t least_end_ns(const struct ct_model *model, const struct ct_process *process)
{
    return ct_model_keeps_early(model, process) ? model->begin_ns : 0;
}

/* A thread that was there before the recording began is accounted for from then on. */
static void settle_life(struct ct_thread_state *thread, const struct ct_model *model)
{
    struct ct_thread *settled = &thread->thread;

    settled->end_ns =
        MAX(thread_end_ns(thread, model->end_ns), least_end_ns(model, thread->thread.process));
    settled->end_ns = MIN(settled->end_ns, model->end_ns);
    settled->start_ns = MIN(MAX(settled->start_ns, model->begin_ns), settled->end_ns);
    settled->process->end_ns = MAX(settled->process->end_ns, settled->end_ns);
}

static void settle_image(struct ct_image *image, const struct ct_model *model)
{
    if (image->is_implicit)
        image->process.start_ns = 0;
    if (!image->has_ended || image->process.end_ns > model->end_ns)
        image->process.end_ns = model->end_ns;
    image->process.end_ns = MAX(image->process.end_ns, least_end_ns(model, &image->process));
    /* When it began is the program's word, and may be a lie. */
    image->process.start_ns = MIN(image->process.start_ns, image->process.end_ns);
}

void ct_settle_lives(struct ct_model *model)
{
    for (guint i = 0; i < model->processes->len; i++)
        settle_image(g_ptr_array_index(model->processes, i), model);
    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(g_ptr_array_index(model->threads, i));

        ct_lives_settle_name(thread);
        settle_life(thread, model);
    }
}

/* ---- Classes, by the waits alone ---- */

/* What the thread's waits leave over is running. */
static void settle_by_waits(struct ct_thread_state *thread)
{
    const struct ct_wait_sums *sums = ct_waits_sums(thread);
    uint64_t *class_ns = thread->thread.class_ns;
    uint64_t left_ns = thread->thread.end_ns - thread->thread.start_ns;
    double sum_ns = 0;

    for (size_t i = 0; i < CT_CLASS_COUNT; i++) {
        if (i == CT_CLASS_RUNNING)
            continue;
        if (!thread->thread.has_totals)
            class_ns[i] = (uint64_t)llround(MIN(sums->estimated_ns[i], 9e18));
        else /* which count waits inside others twice */
            class_ns[i] -= MIN(sums->nested_ns[i], class_ns[i]);
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

/* ---- Classes, by what the kernel says of its task ---- */

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a - MIN(a, b);
}

/* All that its waits cover, in one state. */
static uint64_t covered_ns(const struct ct_wait_sums *sums, enum ct_task_state state)
{
    uint64_t sum_ns = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        sum_ns += sums->covered[class].ns[state];
    return sum_ns;
}

/*
 * Short waits are sampled, so that some brief times off the CPU lie in none: they are shared out
 * by how long each class's waits were that were not recorded. Returns what is left.
 */
static uint64_t share_out(const struct ct_wait_sums *sums, uint64_t brief_ns,
                          const uint64_t *waited_ns, uint64_t *class_ns)
{
    double unrecorded_ns[CT_CLASS_COUNT], sum_ns = 0;
    uint64_t left_ns = brief_ns;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        unrecorded_ns[class] = (double)minus(waited_ns[class], sums->recorded_ns[class]);
        sum_ns += unrecorded_ns[class];
    }
    for (size_t class = 0; class < CT_CLASS_COUNT && sum_ns > 0; class ++) {
        uint64_t more_ns =
            (uint64_t)(MIN((double)brief_ns, sum_ns) * (unrecorded_ns[class] / sum_ns));

        more_ns = MIN(more_ns, left_ns);
        class_ns[class] += more_ns;
        left_ns -= more_ns;
    }
    return left_ns;
}

static void settle_by_task(struct ct_thread_state *thread, const struct ct_binding *binding)
{
    const struct ct_wait_sums *sums = ct_waits_sums(thread);
    struct ct_thread *settled = &thread->thread;
    uint64_t waited_ns[CT_CLASS_COUNT], class_ns[CT_CLASS_COUNT] = {0};
    uint64_t left_ns = settled->end_ns - settled->start_ns;
    struct ct_task_times times = {0};

    ct_binding_sum_life(thread, &times);
    settled->sched.outside_ns = minus(times.ns[CT_TASK_BLOCKED], covered_ns(sums, CT_TASK_BLOCKED));
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        const struct ct_task_times *covered = &sums->covered[class];

        waited_ns[class] = settled->has_totals
                               ? minus(settled->class_ns[class], sums->nested_ns[class])
                               : (uint64_t)MIN(sums->estimated_ns[class], 9e18);
        class_ns[class] = covered->ns[CT_TASK_BLOCKED] + covered->ns[CT_TASK_BRIEF] +
                          covered->ns[CT_TASK_UNKNOWN];
    }
    uint64_t brief_ns = minus(times.ns[CT_TASK_BRIEF], covered_ns(sums, CT_TASK_BRIEF));

    class_ns[ct_binding_outside_class(binding, settled)] +=
        settled->sched.outside_ns + share_out(sums, brief_ns, waited_ns, class_ns);
    class_ns[CT_CLASS_UNKNOWN] +=
        minus(times.ns[CT_TASK_UNKNOWN], covered_ns(sums, CT_TASK_UNKNOWN));
    class_ns[CT_CLASS_RUNNABLE] += times.ns[CT_TASK_RUNNABLE];
    class_ns[CT_CLASS_RUNNING] = 0;
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        settled->class_ns[class] = MIN(class_ns[class], left_ns);
        left_ns -= settled->class_ns[class];
    }
    settled->class_ns[CT_CLASS_RUNNING] = left_ns;
}

void ct_settle_classes(struct ct_model *model, const struct ct_binding *binding)
{
    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(g_ptr_array_index(model->threads, i));

        if (ct_binding_task(thread))
            settle_by_task(thread, binding);
        else
            settle_by_waits(thread);
    }
}
