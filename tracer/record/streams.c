#include "streams.h"

#include "files/regular_file.h"
#include "files/tree.h"
#include "packet.h"
#include "schema/events.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Where the whole packets end; the file's size if all are whole. *end_ns becomes the end of the
 * latest one with events, if that is later.
 */
static off_t whole_size(int fd, off_t file_size, uint64_t *end_ns)
{
    off_t at = ct_packet_find_first(fd, file_size);
    struct ct_packet_head head;

    while (at < file_size && ct_packet_read(fd, at, file_size, &head)) {
        if (head.content_size / 8 > sizeof(head))
            *end_ns = MAX(*end_ns, head.timestamp_end);
        at += (off_t)(head.packet_size / 8);
    }
    return at;
}

static gboolean repair(int folder_fd, const char *name, const struct stat *status, void *data)
{
    uint64_t *cut_bytes = data;
    uint64_t end_ns = 0;

    if (!ct_packet_file_is_stream(name, status->st_mode))
        return FALSE;
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDWR | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    off_t whole = whole_size(fd, status->st_size, &end_ns);
    if (whole < status->st_size && ftruncate(fd, whole) == 0) {
        *cut_bytes += (uint64_t)(status->st_size - whole);
        ct_packet_remove_index(folder_fd, name);
    }
    close(fd);
    return FALSE;
}

uint64_t ct_streams_repair(const char *path)
{
    uint64_t cut_bytes = 0;

    ct_tree_walk(path, repair, &cut_bytes);
    return cut_bytes;
}

static gboolean note_state_end(int folder_fd, const char *name, const struct stat *status,
                               void *data)
{
    if (!S_ISREG(status->st_mode) || !g_str_has_prefix(name, CT_CHANNEL_STATE "_") ||
        g_str_has_suffix(name, ".idx"))
        return FALSE;
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    whole_size(fd, status->st_size, data);
    close(fd);
    return FALSE;
}

uint64_t ct_streams_state_end_ns(const char *path)
{
    uint64_t state_end_ns = 0;

    ct_tree_walk(path, note_state_end, &state_end_ns);
    return state_end_ns;
}
