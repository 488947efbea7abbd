/* Asks tracefs where the kernel's tracepoints keep their fields. */
#ifndef CTRACE_RECORD_LAYERS_PERF_FORMATS_H
#define CTRACE_RECORD_LAYERS_PERF_FORMATS_H

#include "spool/raw_formats.h"

#include <glib.h>

/* FALSE and why not: tracefs is not there, or not for us. With `syscalls`, those of system calls
 * too. */
gboolean ct_formats_read(struct ct_formats *formats, gboolean syscalls, char **why_not);

#endif
