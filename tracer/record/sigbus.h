/* Mapped files that their programs cut short, or for whose pages there is no memory. */
#ifndef CTRACE_RECORD_SIGBUS_H
#define CTRACE_RECORD_SIGBUS_H

#include <signal.h>
#include <stdint.h>

/*
 * From now on what is not behind a mapping of a file any more reads as zeros, and what is written
 * there is lost, instead of ending this process. `previous` may be NULL: what there was before.
 */
void ct_sigbus_survive(struct sigaction *previous);

/* Memory that is watched, while a thread touches it. */
struct ct_sigbus_watch {
    uintptr_t begin, end;
    volatile sig_atomic_t is_hit; /* something of it was not there, and is a page of zeros now */
};

/* What this thread is about to touch; NULL: nothing any more. */
extern _Thread_local struct ct_sigbus_watch *volatile ct_sigbus_watched;

#endif
