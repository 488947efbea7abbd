/*
 * The thread-specific key by which we notice that a thread ends: nothing else of the C library
 * comes as late, however the thread ends, and whoever made it. The program sees nothing of it: it
 * can make as many keys as without us, with the same numbers, and a number that it did not make is
 * none.
 */
#ifndef CTRACE_PRELOAD_LIFE_KEYS_H
#define CTRACE_PRELOAD_LIFE_KEYS_H

#include <stdbool.h>

/*
 * Once per process image. `on_thread_end` is called in each thread that is watched: in the last
 * round of its destructors, since those of others may still wait.
 */
void ct_keys_init(void (*on_thread_end)(void));

/* The calling thread's end is to be noticed. */
void ct_keys_watch_thread(void);

#endif
