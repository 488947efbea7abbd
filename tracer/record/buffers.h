/* How large LTTng's buffers are to be: as they should, or as there is room for them. */
#ifndef CTRACE_RECORD_BUFFERS_H
#define CTRACE_RECORD_BUFFERS_H

#include <glib.h>
#include <stdint.h>

/* In bytes. */
#define CT_SUBBUFFER_SIZE          (UINT64_C(32) << 10)
#define CT_METADATA_SUBBUFFER_SIZE (UINT64_C(64) << 10)

/* How many sub-buffers each CPU has in a channel. */
struct ct_buffer_plan {
    uint64_t waits;
    uint64_t state;
};

/* FALSE and an error if there is too little room for any. */
gboolean ct_buffers_plan(struct ct_buffer_plan *plan, GError **error);

#endif
