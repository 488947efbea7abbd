#include "old_packets.h"

#include "files/hole.h"
#include "files/regular_file.h"
#include "files/tree.h"
#include "packet.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct work {
    uint64_t time_ns;
    int error; /* errno of what failed, or 0 */
};

/* Where the first packet is that ends no sooner than then. */
static off_t find_kept(int fd, off_t size, uint64_t time_ns)
{
    struct ct_packet_head head;
    off_t at = ct_packet_find_first(fd, size);

    while (at < size && ct_packet_read(fd, at, size, &head) && head.timestamp_end < time_ns)
        at += (off_t)(head.packet_size / 8);
    return at;
}

static gboolean drop(int folder_fd, const char *name, const struct stat *status, void *data)
{
    struct work *work = data;

    if (!ct_packet_file_is_stream(name, status->st_mode))
        return FALSE;
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDWR | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    if (!ct_hole_make(fd, find_kept(fd, status->st_size, work->time_ns)))
        work->error = errno;
    close(fd);
    return FALSE;
}

static gboolean close_up(int folder_fd, const char *name, const struct stat *status, void *data)
{
    struct work *work = data;

    if (!ct_packet_file_is_stream(name, status->st_mode))
        return FALSE;
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    off_t begin = find_kept(fd, status->st_size, work->time_ns);
    close(fd);
    if (begin == 0)
        return FALSE;
    ct_packet_remove_index(folder_fd, name);
    if (!ct_hole_close(folder_fd, name, begin))
        work->error = errno;
    return FALSE;
}

static gboolean walk(const char *path, ct_tree_visit visit, uint64_t time_ns)
{
    struct work work = {.time_ns = time_ns};

    ct_tree_walk(path, visit, &work);
    errno = work.error;
    return work.error == 0;
}

gboolean ct_old_packets_drop(const char *path, uint64_t time_ns)
{
    return walk(path, drop, time_ns);
}

gboolean ct_old_packets_close_up(const char *path, uint64_t time_ns)
{
    return walk(path, close_up, time_ns);
}
