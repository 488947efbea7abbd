/* The heap of a process, as bytes of the model's section. */
#ifndef CTRACE_STORE_HEAP_SECTION_H
#define CTRACE_STORE_HEAP_SECTION_H

#include "model/model.h"
#include "store/bytes.h"

void ct_heap_put(struct ct_bytes *bytes, const struct ct_process *process);
void ct_heap_take(struct ct_bytes_input *input, struct ct_process *process);

#endif
