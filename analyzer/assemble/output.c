#include "assemble/output.h"

#include "assemble/wakes.h"

struct ct_output {
    struct ct_wakes *wakes;      /* owned */
    const struct ct_sink *sinks; /* borrowed */
    size_t sink_count;
    uint64_t now_ns;
};

struct ct_output *ct_output_new(const struct ct_sink *sinks, size_t sink_count)
{
    struct ct_output *output = g_new0(struct ct_output, 1);

    output->wakes = ct_wakes_new(sinks, sink_count);
    output->sinks = sinks;
    output->sink_count = sink_count;
    return output;
}

void ct_output_free(struct ct_output *output)
{
    ct_wakes_free(output->wakes);
    g_free(output);
}

void ct_output_turn_to(struct ct_output *output, uint64_t now_ns)
{
    output->now_ns = MAX(output->now_ns, now_ns);
}

uint64_t ct_output_now_ns(const struct ct_output *output)
{
    return output->now_ns;
}

void ct_output_add_interval(struct ct_output *output, const struct ct_interval *interval)
{
    ct_wakes_add_interval(output->wakes, output->now_ns, interval);
}

void ct_output_add_queued(struct ct_output *output, const struct ct_interval *interval)
{
    struct ct_thread_sched *sched = &interval->thread->sched;
    uint64_t duration_ns = interval->end_ns - interval->begin_ns;

    ct_op_counters_count(&sched->queued, duration_ns);
    sched->longest_queued_ns = MAX(sched->longest_queued_ns, duration_ns);
    ct_output_add_interval(output, interval);
}

void ct_output_add_wake(struct ct_output *output, enum ct_object kind, uint64_t object,
                        const struct ct_wake *wake)
{
    ct_wakes_add_wake(output->wakes, kind, object, wake);
}

void ct_output_flush(struct ct_output *output)
{
    ct_wakes_flush(output->wakes);
    for (size_t i = 0; i < output->sink_count; i++) {
        if (output->sinks[i].on_flush)
            output->sinks[i].on_flush(output->sinks[i].user);
    }
}

void ct_output_add_run(const struct ct_output *output, const struct ct_run *run)
{
    for (size_t i = 0; i < output->sink_count; i++) {
        if (output->sinks[i].on_run)
            output->sinks[i].on_run(output->sinks[i].user, run);
    }
}

void ct_output_add_turn(const struct ct_output *output, const struct ct_turn *turn)
{
    for (size_t i = 0; i < output->sink_count; i++) {
        if (output->sinks[i].on_turn)
            output->sinks[i].on_turn(output->sinks[i].user, turn);
    }
}

void ct_output_add_sample(const struct ct_output *output, const struct ct_sample *sample)
{
    for (size_t i = 0; i < output->sink_count; i++) {
        if (output->sinks[i].on_sample)
            output->sinks[i].on_sample(output->sinks[i].user, sample);
    }
}
