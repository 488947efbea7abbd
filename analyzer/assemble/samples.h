/*
 * CPU samples -> the threads that ran. A process image is known to the kernel a moment before it
 * writes its first event: samples of that moment are held back until then.
 */
#ifndef CTRACE_ASSEMBLE_SAMPLES_H
#define CTRACE_ASSEMBLE_SAMPLES_H

#include "assemble/lives.h"
#include "assemble/output.h"
#include "assemble/tables.h"

struct ct_samples;

/* All are borrowed. */
struct ct_samples *ct_samples_new(struct ct_model *model, const struct ct_lives *lives,
                                  struct ct_tables *tables, const struct ct_output *output);
void ct_samples_free(struct ct_samples *samples);

void ct_samples_add(struct ct_samples *samples, const struct ct_kernel_record *record);
/* Once all processes and threads are known. */
void ct_samples_finish(struct ct_samples *samples);

#endif
