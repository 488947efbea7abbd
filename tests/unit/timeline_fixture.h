/* Recordings made up by a test: a model, and the waits that stream past. */
#ifndef CTRACE_TIMELINE_FIXTURE_H
#define CTRACE_TIMELINE_FIXTURE_H

#include "model/timeline.h"

#define FIXTURE_US UINT64_C(1000)
#define FIXTURE_MS UINT64_C(1000000)
#define FIXTURE_S  UINT64_C(1000000000)

/* When every fixture's recording begins. */
#define FIXTURE_BEGIN_NS (UINT64_C(7357) * FIXTURE_S)

/* A complete recording of so long, with no process yet. Free with ct_model_free(). */
struct ct_model *fixture_model(const char *command, uint64_t length_ns);

struct ct_process *fixture_process(struct ct_model *model, int32_t pid, const char *name);

/* Alive during the whole recording. */
struct ct_thread *fixture_thread(struct ct_model *model, struct ct_process *process, int32_t tid,
                                 const char *name);

/* A wait from `begin_ns` to `end_ns`, both counted from the beginning of the recording. */
struct ct_interval fixture_wait(struct ct_thread *thread, enum ct_op op, enum ct_class class,
                                uint64_t begin_ns, uint64_t end_ns);

/* The thread is on the CPU, both times counted from the beginning of the recording. */
void fixture_run(struct ct_timeline *timeline, struct ct_thread *thread, uint32_t cpu,
                 uint64_t begin_ns, uint64_t end_ns);

void fixture_send(struct ct_timeline *timeline, struct ct_interval interval);

#endif
