/*
 * Does a recording agree with itself? What waits, switches and counters say of each thread is
 * held against each other. A sink for ingest.
 */
#ifndef CTRACE_VERIFY_H
#define CTRACE_VERIFY_H

#include "model/sink.h"

struct ct_verify;

struct ct_verify *ct_verify_new(void);
void ct_verify_free(struct ct_verify *verify);
typedef struct ct_verify ct_verify; /* for g_autoptr(ct_verify) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_verify, ct_verify_free)

struct ct_sink ct_verify_sink(struct ct_verify *verify);

struct ct_verify_result {
    guint thread_count;
    guint scheduled_count; /* threads of which the kernel layer tells */
    uint64_t wait_count;
    uint64_t run_count; /* times on a CPU */
    GPtrArray *faults;  /* owned; char *: what does not agree */
    GPtrArray *notes;   /* owned; char *: what agrees, but leaves something unexplained */
};

/* Once the trace was read. */
void ct_verify_finish(const struct ct_verify *verify, const struct ct_model *model,
                      struct ct_verify_result *result);
void ct_verify_result_clear(struct ct_verify_result *result);

#endif
