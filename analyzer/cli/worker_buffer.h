/* What a worker's child prints and says, in memory until its parent wants it. */
#ifndef CTRACE_CLI_WORKER_BUFFER_H
#define CTRACE_CLI_WORKER_BUFFER_H

#include <glib.h>
#include <stdio.h>

/* NULL: there is no memory. */
FILE *ct_worker_buffer_new(const char *name);

/* What it holds from `from` to before `to`; with `to` below 0, to its end. */
GBytes *ct_worker_buffer_take(FILE *buffer, gint64 from, gint64 to);

#endif
