/* How what we say reaches the terminal, and nothing else. */
#ifndef CTRACE_RECORD_MESSAGES_H
#define CTRACE_RECORD_MESSAGES_H

/*
 * First thing in a main. File names in messages appear as they are, whatever the locale; and a
 * standard stream that is closed leads to /dev/null, not to the next file that is opened.
 */
void ct_messages_init(void);

#endif
