#include "provider/emit.h"

#include "provider.h"

#define CT_EMIT(symbol, name, channel)                       \
    void ct_emit_##name(const struct ct_event_##name *event) \
    {                                                        \
        lttng_ust_tracepoint(ctrace, name, event);           \
    }
CT_PROVIDER_EVENTS(CT_EMIT)
