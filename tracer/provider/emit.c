#include "provider/emit.h"

#include "provider.h"

bool ct_emit_is_heard(void)
{
    return lttng_ust_tracepoint_enabled(ctrace, wait);
}

#define CT_EMIT(symbol, name, channel)                       \
    void ct_emit_##name(const struct ct_event_##name *event) \
    {                                                        \
        lttng_ust_tracepoint(ctrace, name, event);           \
    }
CT_PROVIDER_EVENTS(CT_EMIT)
