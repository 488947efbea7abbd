#include "files/own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700 };

static int fail(GError **error, const char *what, const char *path, const char *option)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
                "cannot %s the folder %s: %s; name another one by %s", what, path,
                g_strerror(errno), option);
    return -1;
}

int ct_own_folder_take(const char *path, const char *option, GError **error)
{
    if (g_mkdir_with_parents(path, FOLDER_MODE) != 0)
        return fail(error, "make", path, option);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fail(error, "open", path, option);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno == EWOULDBLOCK)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                    "%s is in use, by another agent or for something else: name another folder by "
                    "%s",
                    path, option);
    else
        fail(error, "lock", path, option);
    close(fd);
    return -1;
}
