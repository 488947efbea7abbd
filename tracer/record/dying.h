/* Locks of recorders that were killed. */
#ifndef CTRACE_RECORD_DYING_H
#define CTRACE_RECORD_DYING_H

#include <glib.h>

/* A recorder that was killed just now is still ending: waits a moment for its lock (flock). FALSE
 * and errno: it is not to be had, EWOULDBLOCK: since another one lives. */
gboolean ct_dying_lock(int fd);

#endif
