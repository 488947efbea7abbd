/* A recording's spool -> a CTF trace: the one file of the recorder that knows babeltrace2. */
#ifndef CTRACE_RECORD_KERNEL_CONVERT_H
#define CTRACE_RECORD_KERNEL_CONVERT_H

#include <glib.h>
#include <stdint.h>

struct ct_kernel_totals {
    uint64_t events; /* written */
    uint64_t lost;   /* of all tasks of the machine, where that was recorded */
};

/*
 * Writes kernel/ below `path` from the spool there, and removes the spool. The clock is that of
 * the LTTng traces below `path`. FALSE and an error if there is no such trace now; TRUE without a
 * trace if there was no spool.
 */
gboolean ct_kernel_convert(const char *path, int32_t root_pid, gboolean follows_children,
                           struct ct_kernel_totals *totals, GError **error);

#endif
