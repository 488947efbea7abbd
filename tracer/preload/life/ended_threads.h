/*
 * The ids of threads that have ended, by their handles: who joins one asks for it only then. Of
 * very many, some are forgotten.
 */
#ifndef CTRACE_PRELOAD_LIFE_ENDED_THREADS_H
#define CTRACE_PRELOAD_LIFE_ENDED_THREADS_H

#include <stdint.h>

void ct_ended_thread_note(uint64_t handle, int32_t tid);

/* 0 if it is not known. */
int32_t ct_ended_thread_tid(uint64_t handle);

#endif
