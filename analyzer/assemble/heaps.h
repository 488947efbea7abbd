/* The heaps of processes, as their boards told of them. */
#ifndef CTRACE_ASSEMBLE_HEAPS_H
#define CTRACE_ASSEMBLE_HEAPS_H

#include "assemble/trackers.h"

void ct_heaps_add(const struct ct_trackers *trackers, const struct ct_event_heap *event);
void ct_heaps_add_site(const struct ct_trackers *trackers, const struct ct_event_heap_site *event);

#endif
