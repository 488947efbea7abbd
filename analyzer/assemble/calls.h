/*
 * System calls as the kernel tells of them. A call in which its thread lost the CPU of its own
 * accord is a wait: of a process that no preload was in; or, in one that has it, of a call that the
 * preload could not see. And what else the kernel tells of why threads are off the CPU.
 */
#ifndef CTRACE_ASSEMBLE_CALLS_H
#define CTRACE_ASSEMBLE_CALLS_H

#include "assemble/call_dedup.h"
#include "assemble/descriptors.h"
#include "assemble/lives.h"
#include "assemble/reasons.h"
#include "assemble/tables.h"
#include "assemble/waits.h"

/* The system call that a thread makes, or made last. */
struct ct_thread_call {
    struct ct_kernel_syscall made; /* without name: none yet */
    uint64_t begin_ns;
    gboolean is_made;     /* now */
    gboolean has_blocked; /* in it the thread has left its CPU of its own accord */
    uint32_t stack_id;    /* from where; 0: not known (yet) */
    /* It has ended, but for all that is known it may go on: after a signal or a stop the kernel
     * does so with some, under the name of restart_syscall. It is counted once that is known. */
    gboolean is_uncounted;
    uint64_t uncounted_ns;
    /* It was on a CPU while calls made there were lost: it may have left this one, or entered one.
     */
    gboolean is_doubtful;
    uint64_t doubtful_ns; /* then: since when what it was in is not known for sure */
};

/* What calls are told to; all are borrowed. */
struct ct_calls_needs {
    struct ct_model *model;
    struct ct_lives *lives;
    struct ct_binding *binding;
    struct ct_descriptors *descriptors;
    struct ct_tables *tables;
    struct ct_waits *waits;
    struct ct_call_dedup *dedup;
    struct ct_reasons *reasons;
};

struct ct_calls;

struct ct_calls *ct_calls_new(const struct ct_calls_needs *needs);
void ct_calls_free(struct ct_calls *calls);

/* After the tasks, processes and threads know of the record. */
void ct_calls_add(struct ct_calls *calls, const struct ct_kernel_record *record);
/* Once the tasks know of it: a call's end may be lost. */
void ct_calls_lose(struct ct_calls *calls, const struct ct_kernel_loss *loss);
/* It makes no call any more, and is never off the CPU. */
void ct_calls_end_thread(struct ct_thread_state *thread);
/* Calls that go on at the end; once every thread's life is settled. */
void ct_calls_finish(struct ct_calls *calls);

#endif
