#include "packet.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Packets begin on such pages; a hole may end before one. */
#define PAGE 4096

gboolean ct_packet_read(int fd, off_t at, off_t file_size, struct ct_packet_head *head)
{
    return pread(fd, head, sizeof(*head), at) == sizeof(*head) && head->magic == CT_PACKET_MAGIC &&
           head->packet_size / 8 >= sizeof(*head) &&
           head->packet_size / 8 <= (uint64_t)(file_size - at);
}

off_t ct_packet_find_first(int fd, off_t file_size)
{
    struct ct_packet_head head;
    off_t at = lseek(fd, 0, SEEK_DATA);

    if (at < 0)
        return file_size;
    at -= at % PAGE;
    while (at > 0 && at < file_size && !ct_packet_read(fd, at, file_size, &head))
        at += PAGE;
    return MIN(at, file_size);
}

gboolean ct_packet_file_is_stream(const char *name, mode_t mode)
{
    return S_ISREG(mode) && strcmp(name, "metadata") != 0 && !g_str_has_suffix(name, ".idx");
}

void ct_packet_remove_index(int folder_fd, const char *stream)
{
    g_autofree char *index = g_strdup_printf("index/%s.idx", stream);

    unlinkat(folder_fd, index, 0);
}
