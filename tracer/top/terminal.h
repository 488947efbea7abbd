/* The terminal that the table is shown in. */
#ifndef CTRACE_TOP_TERMINAL_H
#define CTRACE_TOP_TERMINAL_H

#include <glib.h>
#include <ncurses.h>

/* One that can move its cursor, taken over by ncurses. NULL and an error: there is none. */
SCREEN *ct_terminal_open(GError **error);

#endif
