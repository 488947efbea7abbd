/* What a process has mapped to execute, as /proc/PID/maps says. */
#ifndef CTRACE_RECORD_LAYERS_PERF_SNAPSHOT_MAPPINGS_H
#define CTRACE_RECORD_LAYERS_PERF_SNAPSHOT_MAPPINGS_H

#include "snapshot_record.h"

/* A record for each; files that nobody would find by their names are kept, if that is wanted. */
void ct_snapshot_write_mappings(struct ct_record_writer *writer);

#endif
