#include "files/hole.h"

#include "files/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <unistd.h>

/* What a copy is made of. */
#define PIECE ((size_t)1 << 20)

gboolean ct_hole_make_from(int fd, off_t begin, off_t end)
{
    return end <= begin ||
           fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, end - begin) == 0;
}

gboolean ct_hole_make(int fd, off_t end)
{
    return ct_hole_make_from(fd, 0, end);
}

gboolean ct_hole_is_possible(const char *folder)
{
    static const char bytes[2] = {1, 1};
    g_autofree char *path = g_build_filename(folder, CT_HOLE_PROBE, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return FALSE;
    gboolean is_made =
        write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) && ct_hole_make(fd, 1);
    int code = errno;
    close(fd);
    unlink(path);
    errno = code;
    return is_made;
}

/* In one step, and without a copy: where the file system can, and `begin` is a block's. */
static gboolean collapse(int fd, off_t begin)
{
    return fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, begin) == 0;
}

static gboolean copy_rest(int from_fd, int to_fd, off_t begin)
{
    for (;;) {
        ssize_t copied = copy_file_range(from_fd, &begin, to_fd, NULL, PIECE, 0);

        if (copied == 0)
            return TRUE;
        if (copied < 0 && errno != EINTR)
            return FALSE;
    }
}

static gboolean replace(int folder_fd, const char *name, int fd, off_t begin)
{
    g_autofree char *copy = g_strconcat(name, ".new", NULL);

    unlinkat(folder_fd, copy, 0); /* of a try that was ended */
    int copy_fd = openat(folder_fd, copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (copy_fd < 0)
        return FALSE;
    gboolean is_copied = copy_rest(fd, copy_fd, begin);
    is_copied = close(copy_fd) == 0 && is_copied;
    if (is_copied && renameat(folder_fd, copy, folder_fd, name) == 0)
        return TRUE;
    int code = errno;
    unlinkat(folder_fd, copy, 0);
    errno = code;
    return FALSE;
}

gboolean ct_hole_close(int folder_fd, const char *name, off_t begin)
{
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDWR | O_NOFOLLOW);

    if (fd < 0)
        return FALSE;
    gboolean is_closed = begin == 0 || collapse(fd, begin) || replace(folder_fd, name, fd, begin);
    int code = errno;
    close(fd);
    errno = code;
    return is_closed;
}
