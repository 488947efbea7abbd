/*
 * A thread as the assembler knows it: the model's, and what each tracker keeps of it. A member is
 * its tracker's alone; what others may ask of it, the tracker's header has functions for.
 */
#ifndef CTRACE_ASSEMBLE_THREAD_STATE_H
#define CTRACE_ASSEMBLE_THREAD_STATE_H

#include "assemble/binding.h"
#include "assemble/call_dedup.h"
#include "assemble/calls.h"
#include "assemble/lives.h"
#include "assemble/reasons.h"
#include "assemble/waits.h"

struct ct_thread_state {
    struct ct_thread thread; /* first: the model frees it */
    struct ct_thread_life life;
    struct ct_thread_binding binding;
    struct ct_thread_waits waits;
    struct ct_thread_call call;
    struct ct_thread_dedup dedup;
    struct ct_thread_reason reason;
};

static inline struct ct_thread_state *ct_thread_state(struct ct_thread *thread)
{
    return (struct ct_thread_state *)thread;
}

#endif
