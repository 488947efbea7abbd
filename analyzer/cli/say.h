/* What programs say on stderr. For their mains. */
#ifndef CTRACE_CLI_SAY_H
#define CTRACE_CLI_SAY_H

#include <glib.h>

/* A line after the program's name. Names come from the traced program, and recordings from
 * anywhere: whatever would control the terminal is made harmless. */
void ct_say(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* What is wrong with the command line, and where to read how it should be. Returns the exit status
 * for that. */
int ct_say_usage(const GError *error);

/* What is wrong with a recording: one line for each of these strings. */
void ct_say_all(const GPtrArray *lines);

/* What the worker said, as it said it. */
void ct_say_bytes(GBytes *said);

#endif
