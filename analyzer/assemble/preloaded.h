/* Events that the preload writes as they happen: waits, wakes, and lives of processes and threads.
 */
#ifndef CTRACE_ASSEMBLE_PRELOADED_H
#define CTRACE_ASSEMBLE_PRELOADED_H

#include "assemble/trackers.h"

void ct_preloaded_add(const struct ct_trackers *trackers, const struct ct_record *record);

#endif
