/*
 * Times off the CPU of which the kernel tells why, other than by a system call: page faults, stops.
 * Each is a wait of class OTHER, within whatever call its thread is in.
 */
#ifndef CTRACE_ASSEMBLE_REASONS_H
#define CTRACE_ASSEMBLE_REASONS_H

#include "assemble/waits.h"

/* Why a thread is off the CPU now. */
struct ct_thread_reason {
    enum ct_op op; /* NONE: it is not, or that was not told */
    uint64_t begin_ns;
    uint64_t object;
    const struct ct_fd *file; /* borrowed from the reasons; or NULL */
    uint32_t stack_id;        /* 0: not known (yet) */
};

struct ct_reasons;

/* `waits` is borrowed. */
struct ct_reasons *ct_reasons_new(struct ct_waits *waits);
void ct_reasons_free(struct ct_reasons *reasons);

/* It leaves its CPU now, for this: an off_cpu_reason. */
void ct_reasons_begin(struct ct_reasons *reasons, struct ct_thread_state *thread,
                      const struct ct_kernel_record *record);
gboolean ct_reasons_has_begun(const struct ct_thread_state *thread);
/* Where it was then. */
void ct_reasons_set_stack(struct ct_thread_state *thread, uint32_t stack_id);
/* It is back at `end_ns`; or, if that `is_open`, it never was. Nothing if it was not away. */
void ct_reasons_end(struct ct_reasons *reasons, struct ct_thread_state *thread, uint64_t now_ns,
                    uint64_t end_ns, gboolean is_open);
/* When it came back is lost. */
void ct_reasons_drop(struct ct_thread_state *thread);

#endif
