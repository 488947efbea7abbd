/*
 * What /proc tells of processes that no preload is in: of those that are there when recording
 * begins, all that the kernel would have told; and what it never does, now and then.
 */
#ifndef CTRACE_RECORD_LAYERS_PRESENT_H
#define CTRACE_RECORD_LAYERS_PRESENT_H

#include "source.h"

extern const struct ct_capture_source ct_present_source;

#endif
