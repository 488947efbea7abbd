/* A program of its own that makes a snapshot, ctrace-snapshot, while the recorder goes on. */
#ifndef CTRACE_RECORD_SNAPSHOT_RUN_H
#define CTRACE_RECORD_SNAPSHOT_RUN_H

#include <glib.h>

struct ct_snapshot_run;

/* Of the recording at `path`, to `output`, which is absolute. NULL and an error. */
struct ct_snapshot_run *ct_snapshot_run_new(const char *path, const char *output, GError **error);

/* Readable when it may be over. */
int ct_snapshot_run_fd(const struct ct_snapshot_run *run);

/* Then: whether it is, and with an error if no snapshot was made. */
gboolean ct_snapshot_run_is_over(struct ct_snapshot_run *run, GError **error);

/* One that is not over is left alone. */
void ct_snapshot_run_free(struct ct_snapshot_run *run);

#endif
