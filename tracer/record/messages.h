/* How what we say reaches the terminal, and nothing else. */
#ifndef CTRACE_RECORD_MESSAGES_H
#define CTRACE_RECORD_MESSAGES_H

#include <glib.h>

/*
 * First thing in a main. Names in messages appear in UTF-8, whatever the locale, and nothing in
 * them is obeyed by a terminal; a standard stream that is closed leads to /dev/null, not to the
 * next file that is opened.
 */
void ct_messages_init(void);

/* One line on stderr, whatever names there are in it. */
void ct_message(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
