/* What the preload's stacks need of the rest of it, for a program that has them alone. */
#ifndef CTRACE_TEST_STACKS_ALONE_H
#define CTRACE_TEST_STACKS_ALONE_H

#include "preload/core/tables.h"
#include "preload/stack/intern.h"
#include "preload/stack/stack.h"
#include "preload/stack/unwind.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct ct_control control = {.stack_frames = CT_STACK_DEFAULT_FRAMES};
struct ct_board *ct_board;
struct ct_wiped ct_wiped; /* of nobody: whose memory it is, the kernel is asked */
const uint32_t *ct_is_ours = &ct_wiped.is_ours;
const struct ct_control *ct_control = &control;
CT_TLS struct ct_self ct_self;

static inline void *new_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        exit(1);
    return memory;
}

/* A board in a file that nobody else knows of, and this thread on it. */
static void begin_stacks(void)
{
    int fd = memfd_create("board", 0);

    if (fd < 0 || ftruncate(fd, CT_BOARD_FILE_SIZE) != 0)
        exit(1);
    ct_board = mmap(NULL, CT_BOARD_START_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ct_board == MAP_FAILED)
        exit(1);
    ct_tables_begin(ct_board, CT_BOARD_FILE_SIZE);
    ct_stacks_begin();
    atomic_store(&ct_board->used_words, 1);
    ct_stack_init();
    ct_self.slot = &ct_board->slots[0].thread;
    pthread_attr_t attributes;
    void *stack;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0 ||
        pthread_attr_getstack(&attributes, &stack, &size) != 0)
        exit(1);
    pthread_attr_destroy(&attributes);
    ct_self.stack_low = (uint64_t)stack;
    ct_self.stack_room = size;
}

#endif
