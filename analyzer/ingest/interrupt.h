/*
 * Holds back the signals that ask the program to end while there is something to remove first.
 * Whoever holds them must look for them now and then, clean up and release them.
 */
#ifndef CTRACE_INGEST_INTERRUPT_H
#define CTRACE_INGEST_INTERRUPT_H

#include <glib.h>
#include <signal.h>

struct ct_interrupt {
    sigset_t before;
    gboolean is_held;
};

void ct_interrupt_hold(struct ct_interrupt *interrupt);
/* TRUE if one has come: only while they are held. */
gboolean ct_interrupt_has_come(void);
/* Does not return if one has come, and nobody else holds them. */
void ct_interrupt_release(struct ct_interrupt *interrupt);

#endif
