/* libunwind, and what it does to the program that it must not. */
#ifndef CTRACE_PRELOAD_UNWIND_H
#define CTRACE_PRELOAD_UNWIND_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Loads libunwind. Without it there are no stacks. */
void ct_unwind_init(void);

/*
 * Return addresses of the calling thread, leaf first, and their number. Its first call in a thread
 * makes a cache, which takes 0.1 to 0.2 ms, and then a stack takes 60 ns and 7 ns a frame; without
 * the cache a frame takes 300 ns. Only without it can a stack be of any end: what lies beyond is
 * looked at only if it can be. The caller's thread is busy.
 */
int ct_unwind(void **addresses, int size, bool without_cache);

/*
 * Other code is where some was: forgets what is known of it, but for the threads' caches, which
 * nobody can clear. Who goes by one with such an address in it may follow a wrong pointer.
 */
void ct_unwind_forget(void);

/* A frame, as it was when it called the one before; addresses. */
struct ct_frame {
    uint64_t address; /* where that one returns to */
    uint64_t stack_pointer;
    uint64_t frame_pointer;
    const uint64_t *frame_pointer_place; /* where the frame pointer was saved since, or NULL */
    bool is_of_signal;                   /* the kernel made it */
};

/*
 * Visits all frames of the calling thread, the function that calls first, until `visit` says FALSE;
 * a frame takes 300 ns. FALSE as well if that is not all. The caller's thread is busy.
 */
bool ct_unwind_visit(bool (*visit)(void *user, const struct ct_frame *frame), void *user);

/*
 * Allocates the calling thread's part of libunwind, which would else be done by the first stack
 * that is taken with the cache: in a hook, and maybe for the program's own malloc, inside it.
 * False if the thread must do without the cache.
 */
bool ct_unwind_prepare_thread(void);

/* True if it is libunwind that calls. */
bool ct_is_unwinder(const void *caller);

/*
 * libunwind asks whether memory can be read by writing it to a pipe of its own. The program must
 * have no descriptors of ours, so both ends of that pipe are this number, which is no descriptor's,
 * and these are what it reads and writes with.
 */
#define CT_UNWINDER_FD (INT_MAX - 1)

ssize_t ct_unwinder_read(void);
ssize_t ct_unwinder_write(const void *address);

#endif
