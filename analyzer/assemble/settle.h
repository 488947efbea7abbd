/* At the end: when each process and thread began and ended, and its life by class. */
#ifndef CTRACE_ASSEMBLE_SETTLE_H
#define CTRACE_ASSEMBLE_SETTLE_H

#include "assemble/binding.h"

/* Once the model's extent is settled. */
void ct_settle_lives(struct ct_model *model);
/* Once all waits are handed on: a thread's classes add up to its life. */
void ct_settle_classes(struct ct_model *model, const struct ct_binding *binding);

#endif
