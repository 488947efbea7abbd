/* What formats of events say of an interval, each text made once. */
#ifndef CTRACE_EVENT_TEXT_H
#define CTRACE_EVENT_TEXT_H

#include "symbols/symbols.h"

#include "model/sink.h"

struct ct_event_texts;

/* Borrows the symbolizer. */
struct ct_event_texts *ct_event_texts_new(struct ct_symbolizer *symbolizer);
void ct_event_texts_free(struct ct_event_texts *texts);
typedef struct ct_event_texts ct_event_texts; /* for g_autoptr(ct_event_texts) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_event_texts, ct_event_texts_free)

/* What was called; else what the thread did: "runnable", "other". Borrowed from the interval's
 * model, or for ever. */
const char *ct_event_name(const struct ct_interval *interval);

/* What it was for, as a line: "mutex 0x7f... (queue_lock)"; "" for nothing. Free with g_free(). */
char *ct_event_object(struct ct_event_texts *texts, const struct ct_interval *interval);

/* A stack, a function a line, the innermost first; "" if there is none. */
const char *ct_event_stack(struct ct_event_texts *texts, const struct ct_process *process,
                           uint32_t stack_id);

/* The same as a line, with " < " before each caller. Free with g_free(). */
char *ct_event_stack_line(struct ct_event_texts *texts, const struct ct_process *process,
                          uint32_t stack_id);

/* Where a programmer would say that it was: "worker (convoy.c:42)"; "" if that is not known. */
const char *ct_event_place(struct ct_event_texts *texts, const struct ct_process *process,
                           uint32_t stack_id);

#endif
