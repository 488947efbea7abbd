/*
 * The functions that a just-in-time compiler made: node, JVMs and others write them to
 * /tmp/perf-PID.map, when asked to, as lines "BEGIN SIZE NAME". They are of that moment and that
 * machine, so the recording gets a copy.
 */
#ifndef CTRACE_RECORD_JIT_MAPS_H
#define CTRACE_RECORD_JIT_MAPS_H

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Copies what process `pid` wrote since `start_ns` (CLOCK_MONOTONIC), if it did and nobody else can
 * have, below the recording at `path`. Of a process in another mount namespace, only as long as it
 * lives. What cannot be had is no error.
 */
void ct_jit_maps_keep(const char *path, pid_t pid, uint64_t start_ns);

#endif
