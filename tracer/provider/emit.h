/*
 * Events out, to LTTng. In a traced program the caller has its thread marked as busy. A full buffer
 * or a missing session daemon loses the event, never time.
 */
#ifndef CTRACE_PROVIDER_EMIT_H
#define CTRACE_PROVIDER_EMIT_H

#include "schema/events.h"

#include <stdbool.h>

/* A session takes waits. Not before LTTng has registered the process, for which it may not wait. */
bool ct_emit_is_heard(void);

#define CT_EMIT_DECLARE(symbol, name, channel) void ct_emit_##name(const struct ct_event_##name *);
CT_EVENTS(CT_EMIT_DECLARE)
#undef CT_EMIT_DECLARE

#endif
