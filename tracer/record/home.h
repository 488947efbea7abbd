/* Where LTTng's session daemon of this user has its sockets. */
#ifndef CTRACE_RECORD_HOME_H
#define CTRACE_RECORD_HOME_H

#include "private_mounts.h"

#include <glib.h>

struct ct_home {
    char *directory; /* owned; the sockets' */
    char *temporary; /* owned; what is to be removed when the daemon has ended; or NULL */
};

/*
 * Root has one place for it, and a daemon that listens there may be outside of our container, which
 * cannot work for us: that place is hidden from us then. FALSE and an error if it cannot be. Before
 * any thread.
 */
gboolean ct_home_hide_others(struct ct_private_mounts *mounts, GError **error);

/*
 * Finds and makes the directory: the system's for root, for others one in their home, or in a
 * temporary one of theirs (in XDG_RUNTIME_DIR, else in /tmp) where that cannot be, or where a
 * daemon listens that cannot work for us. LTTNG_HOME becomes what it is for LTTng, here and in the
 * programs that we start, which may have other ideas of HOME.
 */
gboolean ct_home_find(struct ct_home *home, GError **error);

/* Makes it again, where another recording has removed it meanwhile. */
gboolean ct_home_make(const struct ct_home *home, GError **error);

/* Removes a temporary one, which nobody must need any more. */
void ct_home_remove(const struct ct_home *home);

void ct_home_clear(struct ct_home *home);

#endif
