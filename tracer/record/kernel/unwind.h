/*
 * The calls that a sampled task is in, by the unwind tables of its program and libraries: from its
 * registers and what was copied of its stack. The one file that knows libdw.
 */
#ifndef CTRACE_RECORD_KERNEL_UNWIND_H
#define CTRACE_RECORD_KERNEL_UNWIND_H

#include "maps.h"
#include "schema/events.h"

#include <glib.h>
#include <stdint.h>

struct ct_unwinder;

/* It keeps so many frames of a stack. NULL where libdw does not know this machine. */
struct ct_unwinder *ct_unwinder_new(uint32_t stack_frames);
void ct_unwinder_free(struct ct_unwinder *unwinder);

struct ct_unwound {
    uint64_t addresses[CT_STACK_MAX_FRAMES]; /* leaf first; as if all were return addresses */
    guint count;
    uint32_t omitted; /* as in CT_EVENT_STACK */
    uint32_t outermost;
    gboolean is_partial; /* there are more, but they could not be found */
};

/* `sample` is a CT_RAW_SAMPLE of a process with that address space. */
void ct_unwinder_run(struct ct_unwinder *unwinder, const struct ct_address_space *space,
                     const struct ct_raw_record *sample, struct ct_unwound *unwound);

#endif
