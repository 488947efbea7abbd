/* A recording's spool -> a CTF trace: see event_classes.h for its events. */
#ifndef CTRACE_CONVERT_CONVERT_H
#define CTRACE_CONVERT_CONVERT_H

#include "spool/conversion.h"

/*
 * Writes CT_SPOOL_KERNEL below `path` from the spool there. The clock is that of
 * the LTTng traces below `path`. FALSE and an error if there is no such trace now; TRUE with an
 * empty folder if there was nothing in the spool. The process is in a sandbox afterwards, and what
 * it wrote may belong to another user: see sandbox.h.
 */
gboolean ct_kernel_convert(const char *path, const struct ct_kernel_scope *scope,
                           struct ct_kernel_totals *totals, GError **error);

#endif
