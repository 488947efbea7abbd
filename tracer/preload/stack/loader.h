/*
 * The lock of the loader does not survive in the child of a fork that comes while another thread
 * holds it. So whoever of us takes it says so, and fork waits.
 */
#ifndef CTRACE_PRELOAD_STACK_LOADER_H
#define CTRACE_PRELOAD_STACK_LOADER_H

#include <stdbool.h>
#include <stdint.h>

bool ct_loader_enter(void); /* FALSE: a fork is under way, do without */
void ct_loader_leave(void);

/* Waits for the end of a fork that is under way, until that time. */
void ct_loader_await_fork(uint64_t until_ns);

/* Once per process image. Sees to forks. */
void ct_loader_init(void);

#endif
