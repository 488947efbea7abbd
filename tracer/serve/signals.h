/* Signals that come to an agent, as events of its main loop. */
#ifndef CTRACE_SERVE_SIGNALS_H
#define CTRACE_SERVE_SIGNALS_H

#include <glib.h>

/* `is_from_terminal`: it went to the whole process group, as Ctrl-C does. */
typedef void ct_on_signal(void *user, int number, gboolean is_from_terminal);

struct ct_signals_wish {
    gboolean has_program;
    gboolean has_flight; /* SIGUSR2 is the agent's own */
};

/*
 * Those that end an agent, and, if it has a program, all that one would get in its place. Before
 * any thread, and until the process ends; what is ignored, as SIGHUP under nohup, is not heard,
 * but for an interrupt that is not a program's: shells ignore that for what runs in the background.
 * FALSE: an error.
 */
gboolean ct_signals_hear(const struct ct_signals_wish *wish, ct_on_signal *on_signal, void *user,
                         GError **error);

/* In a child, before it executes a program: none is blocked, and none ignored that we ignore. */
void ct_signals_restore(void);

/* Ends this process as the signal does whoever does not handle it. */
G_NORETURN void ct_signals_end_by(int number);

#endif
