/*
 * A process in our process group that does nothing but take signals: one that it gets too went to
 * the whole group, so that the program has it already. timeout(1), a terminal, a service manager
 * and `kill 0` send such ones; nothing in a signal tells them from one that is only ours.
 */
#ifndef CTRACE_RECORD_WITNESS_H
#define CTRACE_RECORD_WITNESS_H

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

struct ct_witness {
    pid_t pid;             /* or -1 */
    int fd;                /* where it says what it got; or -1 */
    gint64 seen_us[_NSIG]; /* monotonic time when it last got one; 0 is never */
};

/* `signals` must be blocked. Before any thread. Without a witness no signal was seen. */
void ct_witness_start(struct ct_witness *witness, const sigset_t *signals);

/*
 * Did the whole group, and after `since_us`, get this signal that we just got? Waits for up to
 * 100 ms to be told.
 */
gboolean ct_witness_has_seen(struct ct_witness *witness, int signal_number, gint64 since_us);

void ct_witness_end(struct ct_witness *witness);

#endif
