/* What the assembler hands on to the sinks, and the time that it has got to. */
#ifndef CTRACE_ASSEMBLE_OUTPUT_H
#define CTRACE_ASSEMBLE_OUTPUT_H

#include "model/sink.h"

struct ct_output;

/* `sinks` is borrowed. */
struct ct_output *ct_output_new(const struct ct_sink *sinks, size_t sink_count);
void ct_output_free(struct ct_output *output);

/* The time of the event at hand: it never goes back. */
void ct_output_turn_to(struct ct_output *output, uint64_t now_ns);
uint64_t ct_output_now_ns(const struct ct_output *output);

/* Held back for a moment: who ended it may be told of later. */
void ct_output_add_interval(struct ct_output *output, const struct ct_interval *interval);
/* The same of a time in the run queue, which counts as one of its thread. */
void ct_output_add_queued(struct ct_output *output, const struct ct_interval *interval);
void ct_output_add_wake(struct ct_output *output, enum ct_object kind, uint64_t object,
                        const struct ct_wake *wake);
/* Hands on all intervals that are held back. */
void ct_output_flush(struct ct_output *output);

void ct_output_add_run(const struct ct_output *output, const struct ct_run *run);
void ct_output_add_turn(const struct ct_output *output, const struct ct_turn *turn);
void ct_output_add_sample(const struct ct_output *output, const struct ct_sample *sample);

#endif
