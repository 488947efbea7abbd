/* Boards that their programs cut short, or for whose pages there is no memory. */
#ifndef CTRACE_RECORD_SIGBUS_H
#define CTRACE_RECORD_SIGBUS_H

#include <signal.h>

/*
 * From now on what is not behind a mapping of a file any more reads as zeros, and what is written
 * there is lost, instead of ending this process. `previous` may be NULL: what there was before.
 */
void ct_sigbus_survive(struct sigaction *previous);

#endif
