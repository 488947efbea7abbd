/* Threads that wait for each other in a circle. No I/O. */
#ifndef CTRACE_CONDITIONS_CIRCLE_H
#define CTRACE_CONDITIONS_CIRCLE_H

#include <glib.h>
#include <sys/types.h>

/* A thread that waits for a mutex, without end, and who has that. */
struct ct_lock_wait {
    pid_t pid;
    pid_t tid;
    pid_t owner;
};

/* A circle among `waits` (struct ct_lock_wait), the lowest id first: of pid_t. NULL: there is none.
 * The caller unrefs it. */
GArray *ct_circle_find(const GArray *waits);

#endif
