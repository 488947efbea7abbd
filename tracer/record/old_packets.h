/* The packets of a recording's streams that are older than what of it is kept. */
#ifndef CTRACE_RECORD_OLD_PACKETS_H
#define CTRACE_RECORD_OLD_PACKETS_H

#include <glib.h>
#include <stdint.h>

/*
 * Gives the room of those below `path` back that end before `time_ns`, while LTTng goes on behind
 * them. FALSE and errno if that cannot be done.
 */
gboolean ct_old_packets_drop(const char *path, uint64_t time_ns);

/* Then, once nothing is written any more: the streams begin with what was kept. FALSE and errno. */
gboolean ct_old_packets_close_up(const char *path, uint64_t time_ns);

#endif
