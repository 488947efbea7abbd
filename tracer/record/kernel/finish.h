/*
 * The end of a recording's kernel layer, in a program of its own: babeltrace2 ends the program that
 * it runs in where a disk is full.
 */
#ifndef CTRACE_RECORD_KERNEL_FINISH_H
#define CTRACE_RECORD_KERNEL_FINISH_H

#include <glib.h>
#include <stdint.h>

/* How the program that does it tells them. */
#define CT_KERNEL_TOTALS_FORMAT \
    "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
#define CT_KERNEL_TOTALS_COUNT 4

struct ct_kernel_totals {
    uint64_t events;           /* written */
    uint64_t lost;             /* of all tasks of the machine, where that was recorded */
    uint64_t hidden_processes; /* images that no preload was in */
    uint64_t hidden_threads;   /* theirs */
};

/*
 * Has kernel/ written below `path` from the spool there, and removes the spool. `preloaded` are the
 * images that the preload tells of: struct ct_image_key. FALSE and an error if there is no such
 * trace now; TRUE without a trace if there was no spool.
 */
gboolean ct_kernel_finish(const char *path, int32_t root_pid, gboolean follows_children,
                          const GArray *preloaded, struct ct_kernel_totals *totals, GError **error);

#endif
