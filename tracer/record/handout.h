/*
 * Boards for processes of the recorded tree that are not the recording user's any more, as after
 * su(1) or setuid(2), and cannot make files in the session directory: they ask for them by
 * connecting to a socket there, which anybody may; whose child asks, the kernel says.
 */
#ifndef CTRACE_RECORD_HANDOUT_H
#define CTRACE_RECORD_HANDOUT_H

#include "control.h"

struct ct_handout;

/* A thread that answers from now on. NULL: it cannot be had, and those processes are not seen. */
struct ct_handout *ct_handout_start(const struct ct_session_directory *directory);

/* Later ones are refused at once. How many processes were refused one. */
uint64_t ct_handout_stop(struct ct_handout *handout);

#endif
