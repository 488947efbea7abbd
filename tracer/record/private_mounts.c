#include "private_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static void close_all(struct ct_private_mounts *mounts)
{
    const int fds[] = {mounts->namespace_fd, mounts->root_fd, mounts->folder_fd};

    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *mounts = (struct ct_private_mounts)CT_NO_PRIVATE_MOUNTS;
}

gboolean ct_private_mounts_enter(struct ct_private_mounts *mounts, const char *directory,
                                 GError **error)
{
    gboolean is_moved = FALSE;

    mounts->namespace_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    mounts->root_fd = open("/", O_PATH | O_CLOEXEC);
    mounts->folder_fd = open(".", O_PATH | O_CLOEXEC);
    if (mounts->namespace_fd >= 0 && mounts->root_fd >= 0 && mounts->folder_fd >= 0 &&
        unshare(CLONE_NEWNS) == 0) {
        is_moved = TRUE;
        /* What others mount later comes here, too, but nothing goes out. */
        if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
            mount("ctrace", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") == 0)
            return TRUE;
    }
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "cannot have a %s of our own: %s", directory, g_strerror(errno));
    /* In the copy all is as it was. */
    if (is_moved)
        ct_private_mounts_leave(mounts);
    close_all(mounts);
    return FALSE;
}

gboolean ct_private_mounts_leave(const struct ct_private_mounts *mounts)
{
    /* It makes the namespace's root ours, which may have been another. */
    return mounts->namespace_fd < 0 ||
           (setns(mounts->namespace_fd, CLONE_NEWNS) == 0 && fchdir(mounts->root_fd) == 0 &&
            chroot(".") == 0 && fchdir(mounts->folder_fd) == 0);
}
