/* What the preload's stacks need of the rest of it, for a program that has them alone. */
#ifndef CTRACE_TEST_STACKS_ALONE_H
#define CTRACE_TEST_STACKS_ALONE_H

#include "preload/raw.h"
#include "preload/stack.h"
#include "preload/unwind.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct ct_control control = {.stack_frames = CT_STACK_DEFAULT_FRAMES};
struct ct_board *ct_board;
const struct ct_control *ct_control = &control;
CT_TLS struct ct_self ct_self;
ct_syscall_function ct_real_syscall = syscall;

ct_syscall_function ct_raw_syscall(void)
{
    return syscall;
}

uint64_t ct_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *new_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        exit(1);
    return memory;
}

/* A board, and this thread on it. */
static void begin_stacks(void)
{
    ct_board = new_memory(sizeof *ct_board);
    atomic_store(&ct_board->stacks.used_words, 1);
    ct_stack_init();
    ct_self.has_stack_cache = ct_unwind_prepare_thread();
    ct_self.slot = &ct_board->threads[0];
}

#endif
