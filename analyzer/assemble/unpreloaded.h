/*
 * Process images that no preload was in. The kernel layer tells of their threads, descriptors and
 * modules, in the order of time; they become processes of the model as any other.
 */
#ifndef CTRACE_ASSEMBLE_UNPRELOADED_H
#define CTRACE_ASSEMBLE_UNPRELOADED_H

#include "assemble/trackers.h"

/* After the tasks know of the record. */
void ct_unpreloaded_add(const struct ct_trackers *trackers, const struct ct_kernel_record *record);

#endif
