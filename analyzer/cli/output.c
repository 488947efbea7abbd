#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many as the kernel follows. */
#define LINKS_MAX 40

static gboolean set_error(GError **error, const char *what, const char *name, int number)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(number), "cannot %s %s: %s", what,
                name, g_strerror(number));
    return FALSE;
}

/* FALSE: errno says why. */
static gboolean write_all(int fd, GBytes *bytes)
{
    size_t size;
    const char *data = g_bytes_get_data(bytes, &size);

    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return FALSE;
        data += written;
        size -= (size_t)written;
    }
    return TRUE;
}

gboolean ct_output_write_fd(int fd, const char *name, GBytes *bytes, GError **error)
{
    if (isatty(fd)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s is a terminal, and this is no text: name a file with -o", name);
        return FALSE;
    }
    return write_all(fd, bytes) || set_error(error, "write", name, errno);
}

static gboolean write_special(const char *path, GBytes *bytes, GError **error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return set_error(error, "open", path, errno);
    gboolean is_written = ct_output_write_fd(fd, path, bytes, error);
    if (close(fd) != 0 && is_written)
        return set_error(error, "write", path, errno);
    return is_written;
}

/* In a folder where everybody may put links, only one's own are followed, as the kernel does. */
static gboolean may_follow(const char *link, const char *folder)
{
    struct stat status, place;

    return lstat(link, &status) == 0 && stat(folder, &place) == 0 &&
           ((place.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) ||
            status.st_uid == geteuid() || status.st_uid == place.st_uid);
}

/* What a symbolic link leads to, there or not; another path as it is. NULL: errno says why. */
static char *follow_links(const char *path)
{
    g_autofree char *at = g_strdup(path);

    for (int i = 0; i < LINKS_MAX; i++) {
        g_autofree char *target = g_file_read_link(at, NULL);
        g_autofree char *folder = g_path_get_dirname(at);

        if (!target)
            return g_steal_pointer(&at);
        if (!may_follow(at, folder)) {
            errno = EACCES;
            return NULL;
        }
        g_free(at);
        at = g_path_is_absolute(target) ? g_strdup(target) : g_build_filename(folder, target, NULL);
    }
    errno = ELOOP;
    return NULL;
}

/* `existing` is the file that this one replaces, or NULL. FALSE: errno says why. */
static gboolean fill(int fd, const struct stat *existing, GBytes *bytes)
{
    return (!existing || fchmod(fd, existing->st_mode & 07777) == 0) && write_all(fd, bytes) &&
           fsync(fd) == 0;
}

static gboolean write_aside(const char *path, const struct stat *existing, GBytes *bytes)
{
    g_autofree char *aside = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(aside, O_WRONLY | O_CLOEXEC, existing ? 0600 : 0666);

    if (fd < 0)
        return FALSE;
    gboolean is_written = fill(fd, existing, bytes);
    int number = errno;

    if (close(fd) != 0 && is_written) {
        is_written = FALSE;
        number = errno;
    }
    if (is_written && g_rename(aside, path) == 0)
        return TRUE;
    number = is_written ? errno : number;
    g_unlink(aside);
    errno = number;
    return FALSE;
}

gboolean ct_output_write_file(const char *path, GBytes *bytes, GError **error)
{
    g_autofree char *target = follow_links(path);
    struct stat status;

    if (!target)
        return set_error(error, "write", path, errno);
    gboolean is_there = stat(path, &status) == 0;

    if (is_there && S_ISDIR(status.st_mode))
        return set_error(error, "write", path, EISDIR);
    if (is_there && !S_ISREG(status.st_mode))
        return write_special(path, bytes, error);
    return write_aside(target, is_there ? &status : NULL, bytes) ||
           set_error(error, "write", path, errno);
}
