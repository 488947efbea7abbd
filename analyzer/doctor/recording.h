/* A recording that was read: why its profiles are empty, and why functions are missing. */
#ifndef CTRACE_DOCTOR_RECORDING_H
#define CTRACE_DOCTOR_RECORDING_H

#include "symbols/symbols.h"

/* `wait_count`: the waits that are in it, or parts of such. */
void ct_doctor_add_recording(GPtrArray *advices, const char *subject, const struct ct_model *model,
                             struct ct_symbolizer *symbolizer, uint64_t wait_count);

/* The same of one that was made to see what can be recorded here. */
void ct_doctor_add_trial(GPtrArray *advices, const char *subject, const struct ct_capture *capture,
                         uint64_t wait_count);

#endif
