/* Whether an LTTng session daemon that answers sees what we see. */
#ifndef CTRACE_RECORD_DAEMON_VIEW_H
#define CTRACE_RECORD_DAEMON_VIEW_H

#include <glib.h>

/* The socket in LTTng's directory on which its daemon takes commands. */
#define CT_DAEMON_SOCKET "client-lttng-sessiond"

/*
 * TRUE if a daemon listens at that socket in `directory`, but cannot work for us: it is outside of
 * our container, or in one, where it knows our processes by other ids, or shared memory of another
 * kind. FALSE also if nobody listens.
 */
gboolean ct_daemon_is_elsewhere(const char *directory);

#endif
