/* What a traced program tells of its connections -> turns, with their threads and descriptors. */
#ifndef CTRACE_ASSEMBLE_TURNS_H
#define CTRACE_ASSEMBLE_TURNS_H

#include "assemble/trackers.h"

void ct_turns_add(const struct ct_trackers *trackers, const struct ct_record *record);

/* Takes from a wait's object, as it was told, what ended it. */
void ct_turns_tell_ended(const struct ct_process *process, struct ct_interval *interval);

#endif
