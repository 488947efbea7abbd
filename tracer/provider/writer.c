#include "provider/writer.h"

#include "emit.h"
#include "provider.h"

static bool is_enabled(void)
{
    return lttng_ust_tracepoint_enabled(ctrace, capture);
}

extern const struct ct_writer ct_writer;

__attribute__((visibility("default")))
const struct ct_writer ct_writer = {.is_enabled = is_enabled,
#define WRITER_FUNCTION(symbol, name, channel) .name = ct_emit_##name,
                                    CT_EVENTS(WRITER_FUNCTION)
#undef WRITER_FUNCTION
};
