/* Spool files -> the samples of the recorded program, with their stacks, in the order of time. */
#ifndef CTRACE_CONVERT_SAMPLES_H
#define CTRACE_CONVERT_SAMPLES_H

#include "events.h"

struct ct_kernel_samples;

/* Reads the spool below a recording's `path`. NULL if there are no samples. */
struct ct_kernel_samples *ct_kernel_samples_open(const char *path,
                                                 const struct ct_kernel_scope *scope);

/* How many CPUs there are streams of, and which the stream at `index` is. */
guint ct_kernel_samples_cpu_count(const struct ct_kernel_samples *samples);
uint32_t ct_kernel_samples_cpu(const struct ct_kernel_samples *samples, guint index);

/* FALSE at the end. The item's addresses are valid until the next call. */
gboolean ct_kernel_samples_next(struct ct_kernel_samples *samples, struct ct_kernel_item *item);

void ct_kernel_samples_free(struct ct_kernel_samples *samples);

#endif
