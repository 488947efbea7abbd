/* What the agent says on stderr. For its main, and what runs for it. */
#ifndef CTRACE_SERVE_SAY_H
#define CTRACE_SERVE_SAY_H

#include <glib.h>

/* A line after its name; nothing in it is obeyed by a terminal. */
void ct_serve_say(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
