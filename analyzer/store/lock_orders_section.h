/* The lock orders of a process, as bytes of the model's section. */
#ifndef CTRACE_STORE_LOCK_ORDERS_SECTION_H
#define CTRACE_STORE_LOCK_ORDERS_SECTION_H

#include "model/model.h"
#include "store/bytes.h"

void ct_lock_orders_put(struct ct_bytes *bytes, const struct ct_process *process);
void ct_lock_orders_take(struct ct_bytes_input *input, struct ct_process *process);

#endif
