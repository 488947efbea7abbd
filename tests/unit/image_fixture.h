/* The running test program as a recorded process: its own modules are the ones to look up in. */
#ifndef CTRACE_IMAGE_FIXTURE_H
#define CTRACE_IMAGE_FIXTURE_H

#include "model/model.h"

/* Adds all ELF objects of this program to `process`, and sets its exe. */
void fixture_add_image(struct ct_process *process);

/* Adds one module. */
struct ct_module *fixture_add_module(struct ct_process *process, const char *path,
                                     const char *build_id, uint64_t begin, uint64_t end);

/* Adds a stack of `count` addresses, leaf first. */
void fixture_add_stack(struct ct_process *process, uint32_t id, const uint64_t *addresses,
                       uint32_t count);

#endif
