/*
 * Events out, to LTTng. In a traced program the caller has its thread marked as busy. A full buffer
 * or a missing session daemon loses the event, never time.
 */
#ifndef CTRACE_PROVIDER_EMIT_H
#define CTRACE_PROVIDER_EMIT_H

#include "schema/events.h"

#define CT_EMIT_DECLARE(symbol, name, channel) void ct_emit_##name(const struct ct_event_##name *);
CT_EVENTS(CT_EMIT_DECLARE)
#undef CT_EMIT_DECLARE

#endif
