#include "files/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Where what looks like a plain file is a talk with the kernel. */
static gboolean is_made_by_kernel(int fd)
{
    static const unsigned long kinds[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,      DEBUGFS_MAGIC,
                                          TRACEFS_MAGIC,       SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC,
                                          CGROUP2_SUPER_MAGIC, PSTOREFS_MAGIC,   BPF_FS_MAGIC};
    struct statfs place;

    if (fstatfs(fd, &place) != 0)
        return TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if ((unsigned long)place.f_type == kinds[i])
            return TRUE;
    return FALSE;
}

/* By a descriptor with which nothing was opened yet. */
static gboolean is_plain(int fd, struct stat *status)
{
    return fstat(fd, status) == 0 && S_ISREG(status->st_mode) && !is_made_by_kernel(fd);
}

/* -1 if it has become another file meanwhile. */
static int open_the_same(int at, const char *name, int flags, const struct stat *looked_at)
{
    int fd = openat(at, name, flags);
    struct stat status;

    if (fd < 0 || (fstat(fd, &status) == 0 && status.st_ino == looked_at->st_ino &&
                   status.st_dev == looked_at->st_dev))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

int ct_regular_file_open_at(int at, const char *name, int flags)
{
    static const int common = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int place = openat(at, name, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW));
    struct stat status;
    int fd = -1;

    if (place < 0)
        return -1;
    if (is_plain(place, &status)) {
        g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", place);

        fd = open(link, (flags & ~O_NOFOLLOW) | common);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) /* there is no /proc here */
            fd = open_the_same(at, name, flags | common, &status);
    } else {
        errno = EINVAL;
    }
    int code = errno;
    close(place);
    errno = code;
    return fd;
}

int ct_regular_file_open(const char *path)
{
    return ct_regular_file_open_at(AT_FDCWD, path, O_RDONLY);
}

gboolean ct_regular_file_is(const char *path)
{
    int place = open(path, O_PATH | O_CLOEXEC);
    struct stat status;
    gboolean is_one = place >= 0 && is_plain(place, &status);

    if (place >= 0)
        close(place);
    return is_one;
}

/* Up to the size that it has now: it may grow without an end. */
static gboolean read_all(int fd, gsize size_max, char **bytes, gsize *size)
{
    struct stat status;
    gsize at = 0;

    if (fstat(fd, &status) != 0)
        return FALSE;
    if ((guint64)status.st_size > size_max) {
        errno = EFBIG;
        return FALSE;
    }
    g_autofree char *buffer = g_try_malloc((gsize)status.st_size + 1);
    if (buffer == NULL) {
        errno = ENOMEM;
        return FALSE;
    }
    while (at < (gsize)status.st_size) {
        ssize_t got = read(fd, buffer + at, (gsize)status.st_size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FALSE;
        if (got == 0)
            break;
        at += (gsize)got;
    }
    buffer[at] = '\0';
    *bytes = g_steal_pointer(&buffer);
    *size = at;
    return TRUE;
}

gboolean ct_regular_file_read_at(int at, const char *name, int flags, gsize size_max, char **bytes,
                                 gsize *size)
{
    int fd = ct_regular_file_open_at(at, name, flags);

    if (fd < 0)
        return FALSE;
    gboolean is_read = read_all(fd, size_max, bytes, size);
    int code = errno;
    close(fd);
    errno = code;
    return is_read;
}

gboolean ct_regular_file_read(const char *path, gsize size_max, char **bytes, gsize *size)
{
    return ct_regular_file_read_at(AT_FDCWD, path, O_RDONLY, size_max, bytes, size);
}
