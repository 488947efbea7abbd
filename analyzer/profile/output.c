#include "profile/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* zlib's "window bits" for its largest window, with gzip's header and trailer around it. */
#define GZIP_FORMAT (MAX_WBITS + 16)

static gboolean set_error(GError **error, const char *what, const char *name, int number)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(number), "cannot %s %s: %s", what,
                name, g_strerror(number));
    return FALSE;
}

GBytes *ct_output_gzip(GBytes *bytes, GError **error)
{
    z_stream stream = {0};
    size_t size;
    const void *data = g_bytes_get_data(bytes, &size);

    if (size > UINT_MAX / 2 || deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORMAT,
                                            8, Z_DEFAULT_STRATEGY) != Z_OK) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
                    "cannot compress the profile of %" G_GSIZE_FORMAT " bytes", size);
        return NULL;
    }

    size_t room = deflateBound(&stream, size);
    uint8_t *compressed = g_malloc(room);
    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)size;
    stream.next_out = compressed;
    stream.avail_out = (uInt)room;
    /* One call is enough where the room is deflateBound's. */
    deflate(&stream, Z_FINISH);
    size = stream.total_out;
    deflateEnd(&stream);
    return g_bytes_new_take(compressed, size);
}

gboolean ct_output_write_fd(int fd, const char *name, GBytes *bytes, GError **error)
{
    size_t size;
    const char *data = g_bytes_get_data(bytes, &size);

    if (isatty(fd)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s is a terminal, and a profile is no text: name a file with -o", name);
        return FALSE;
    }
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return set_error(error, "write", name, errno);
        data += written;
        size -= (size_t)written;
    }
    return TRUE;
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

gboolean ct_output_write_file(const char *path, GBytes *bytes, GError **error)
{
    struct stat status;
    size_t size;
    const char *data = g_bytes_get_data(bytes, &size);

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return write_special(path, bytes, error);

    /* Through a symbolic link, so that it keeps pointing to the profile. */
    char *target = realpath(path, NULL);
    gboolean is_written = g_file_set_contents_full(target ? target : path, data, (gssize)size,
                                                   G_FILE_SET_CONTENTS_CONSISTENT, 0666, error);
    free(target);
    if (!is_written)
        g_prefix_error(error, "cannot write %s: ", path);
    return is_written;
}
