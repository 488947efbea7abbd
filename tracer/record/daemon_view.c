#include "daemon_view.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Where LTTng's daemon and those who write to its buffers meet. */
#define SHARED_MEMORY "/dev/shm"

/* Who listens, as the kernel knows; 0: a process that has no id among ours, -1: nobody. */
static pid_t find_listener(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred listener = {.pid = -1};
    socklen_t size = sizeof(listener);
    pid_t pid = -1;

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) == 0)
        pid = listener.pid;
    close(fd);
    return pid;
}

/* What cannot be looked at, as another user's, is taken for the same. */
static gboolean is_other_file(pid_t pid, const char *of_process, const char *own)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, of_process);
    struct stat theirs, ours;

    return stat(path, &theirs) == 0 && stat(own, &ours) == 0 &&
           (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino);
}

gboolean ct_daemon_is_elsewhere(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, CT_DAEMON_SOCKET, NULL);
    pid_t pid = find_listener(path);

    if (pid < 0)
        return FALSE;
    return pid == 0 || is_other_file(pid, "ns/pid", "/proc/self/ns/pid") ||
           is_other_file(pid, "ns/user", "/proc/self/ns/user") ||
           is_other_file(pid, "root" SHARED_MEMORY, SHARED_MEMORY);
}
