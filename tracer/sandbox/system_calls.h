/* The filter of the system calls that reading takes. */
#ifndef CTRACE_SANDBOX_SYSTEM_CALLS_H
#define CTRACE_SANDBOX_SYSTEM_CALLS_H

#include <glib.h>

/* All others fail from now on, with EPERM. FALSE: the kernel has no filters. */
gboolean ct_system_calls_restrict(gboolean may_write, gboolean has_threads);

#endif
