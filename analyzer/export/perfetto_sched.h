/* Who ran when on which CPU, as the kernel's own events: for Perfetto. */
#ifndef CTRACE_PERFETTO_SCHED_H
#define CTRACE_PERFETTO_SCHED_H

#include "export/perfetto_packets.h"
#include "export/trace_format.h"

/* FALSE with an error. */
gboolean ct_perfetto_write_sched(const struct ct_export_input *input,
                                 struct ct_perfetto_packets *packets, GError **error);

#endif
