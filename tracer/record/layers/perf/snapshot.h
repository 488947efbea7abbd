/*
 * What is there already when the kernel begins to tell, written to a spool file in the records with
 * which it would have told, as `perf record -p` does: processes, threads, names and mappings. And
 * what the kernel has no records for: see CT_SPOOL_PROCESS and CT_SPOOL_DESCRIPTOR.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_SNAPSHOT_H
#define CTRACE_RECORD_LAYERS_PERF_SNAPSHOT_H

#include "spool/objects.h"

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Each writes whole records to the spool file `spool_fd`, as of `time_ns` (CLOCK_MONOTONIC). What
 * /proc does not tell, or not any more, is left out. FALSE and errno if it cannot be written.
 */

/* All about these processes (pid_t), a parent before its children: they, their threads, what they
 * have mapped to execute, and their descriptions. Files that nobody would find by their names are
 * kept among `objects`, if that is not NULL. */
gboolean ct_snapshot_write_processes(int spool_fd, struct ct_objects *objects, const GArray *pids,
                                     uint64_t time_ns);

/*
 * Only that there are these processes with an image that a preload tells of, since then: struct
 * ct_image_key, in the order of that time. They, their threads, and what they have mapped.
 */
gboolean ct_snapshot_write_preloaded(int spool_fd, struct ct_objects *objects, const GArray *images,
                                     uint64_t time_ns);

/*
 * Only what the kernel does not tell of a process that executes a program while it is recorded: a
 * CT_SPOOL_PROCESS, and a CT_SPOOL_DESCRIPTOR for each open descriptor.
 */
gboolean ct_snapshot_write_description(int spool_fd, pid_t pid, uint64_t time_ns);

/* Only keeps such files, of those of the processes that have files of their own: what they have
 * mapped since. */
void ct_snapshot_keep_objects(struct ct_objects *objects, const GArray *pids);

#endif
