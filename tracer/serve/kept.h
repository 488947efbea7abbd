/* The recording that goes on at all times for a flight recorder, of processes that run already. */
#ifndef CTRACE_SERVE_KEPT_H
#define CTRACE_SERVE_KEPT_H

#include "serve/flight.h"
#include "serve/served.h"

struct ct_kept;

/* All borrowed; `programs` is the folder that the commands are in. */
struct ct_kept *ct_kept_new(const char *programs, const struct ct_served *served,
                            struct ct_flight *flight);

/* To be called often: if none is being made, and there is a process, one begins. FALSE, and it is
 * said why: nothing can be recorded. */
gboolean ct_kept_look(struct ct_kept *kept);

/* Ends it, and waits for that; what was kept last is written out. */
void ct_kept_free(struct ct_kept *kept);

#endif
