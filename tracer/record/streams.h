/* The CTF stream files that LTTng's consumer wrote: are they whole? */
#ifndef CTRACE_RECORD_STREAMS_H
#define CTRACE_RECORD_STREAMS_H

#include <glib.h>
#include <stdint.h>

/*
 * A write that failed half-way leaves part of a packet, and readers then refuse the whole file.
 * Cuts such files below `path` to their whole packets. Returns the bytes cut off.
 */
uint64_t ct_streams_repair(const char *path);

/* The end of the last whole packet with events of the state channel below `path`; or 0. */
uint64_t ct_streams_state_end_ns(const char *path);

#endif
