/* What is live in the heap of a program that is started with --heap, as its recorder tells. */
#ifndef CTRACE_SERVE_LIVING_HEAP_H
#define CTRACE_SERVE_LIVING_HEAP_H

#include "schema/control.h"

#include <glib.h>

struct ct_living_heap;

/* `recording` is where the recorder records to. */
struct ct_living_heap *ct_living_heap_new(const char *recording);
void ct_living_heap_free(struct ct_living_heap *heap);

/* At its last look, ten times a second. FALSE: it does not see any, not yet or not any more. */
gboolean ct_living_heap_read(struct ct_living_heap *heap, struct ct_heap_sum *sum);

#endif
