/* The limits that this process was started with (setrlimit(2), ulimit), where a reading fails. */
#ifndef CTRACE_CLI_RLIMITS_H
#define CTRACE_CLI_RLIMITS_H

#include <glib.h>
#include <stdint.h>
#include <sys/resource.h>

/* What is an error of reading then is no signal's any more: a file that would be too large. And as
 * many files may be open as the limit can be raised to. */
void ct_rlimits_prepare(void);

/*
 * Which limit a child died of, or may have, which had the same ones: a signal ended it, and it
 * would have been let have `memory_bytes`. NULL: none. Caller frees.
 */
char *ct_rlimits_explain_death(int signal_number, const struct rusage *usage,
                               uint64_t memory_bytes);

/* Which limit may be why it could not read `files` files, with so many bytes, or write what it made
 * of them; NULL: none. Caller frees. */
char *ct_rlimits_explain_failure(guint files, uint64_t bytes);

#endif
