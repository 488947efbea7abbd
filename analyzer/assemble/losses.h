/*
 * Losses of the kernel's events, in the order of time with what is told: a reader comes across the
 * next loss of one stream while others are still long before it.
 */
#ifndef CTRACE_ASSEMBLE_LOSSES_H
#define CTRACE_ASSEMBLE_LOSSES_H

#include "source/record.h"

#include <glib.h>

struct ct_losses;

struct ct_losses *ct_losses_new(void);
void ct_losses_free(struct ct_losses *losses);

void ct_losses_add(struct ct_losses *losses, const struct ct_kernel_loss *loss);
/* The first one that has begun by then, which is none of them any more. FALSE: there is none. */
gboolean ct_losses_take(struct ct_losses *losses, uint64_t time_ns, struct ct_kernel_loss *loss);

#endif
