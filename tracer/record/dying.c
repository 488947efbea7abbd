#include "dying.h"

#include <errno.h>
#include <sys/file.h>

#define DYING_US (1000 * 1000)

gboolean ct_dying_lock(int fd)
{
    gint64 until_us = g_get_monotonic_time() + DYING_US;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || g_get_monotonic_time() >= until_us)
            return FALSE;
        g_usleep(DYING_US / 100);
    }
    return TRUE;
}
