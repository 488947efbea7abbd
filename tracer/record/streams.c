#include "streams.h"

#include "schema/events.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FTW_OPEN_FDS 16
#define CTF_MAGIC    0xc1fc1fc1u

/* Header and context of a packet as LTTng-UST 2.13 writes them; sizes are in bits. */
struct packet_head {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t stream_id;
    uint64_t stream_instance_id;
    uint64_t timestamp_begin;
    uint64_t timestamp_end;
    uint64_t content_size;
    uint64_t packet_size;
    uint64_t sequence_number;
    uint64_t events_discarded;
    uint32_t cpu_id;
} __attribute__((packed));

/* nftw gives its callback no data. */
static uint64_t cut_bytes;
static uint64_t state_end_ns;

/*
 * Where the whole packets end; the file's size if all are whole. *end_ns becomes the end of the
 * latest one with events, if that is later.
 */
static off_t whole_size(int fd, off_t file_size, uint64_t *end_ns)
{
    off_t at = 0;

    while (at < file_size) {
        struct packet_head head;
        if (pread(fd, &head, sizeof(head), at) != sizeof(head) || head.magic != CTF_MAGIC ||
            head.packet_size / 8 < sizeof(head) ||
            head.packet_size / 8 > (uint64_t)(file_size - at))
            return at;
        if (head.content_size / 8 > sizeof(head))
            *end_ns = MAX(*end_ns, head.timestamp_end);
        at += (off_t)(head.packet_size / 8);
    }
    return at;
}

/* Readers trust a stream's index more than the stream; without one they make their own. */
static void remove_index(const char *stream)
{
    g_autofree char *directory = g_path_get_dirname(stream);
    g_autofree char *name = g_path_get_basename(stream);
    g_autofree char *index = g_strdup_printf("%s/index/%s.idx", directory, name);

    unlink(index);
}

static int repair(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    const char *name = path + walk->base;
    uint64_t end_ns = 0;

    if (type != FTW_F || strcmp(name, "metadata") == 0 || g_str_has_suffix(name, ".idx"))
        return 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    off_t whole = whole_size(fd, status->st_size, &end_ns);
    if (whole < status->st_size && ftruncate(fd, whole) == 0) {
        cut_bytes += (uint64_t)(status->st_size - whole);
        remove_index(path);
    }
    close(fd);
    return 0;
}

uint64_t ct_streams_repair(const char *path)
{
    cut_bytes = 0;
    nftw(path, repair, FTW_OPEN_FDS, FTW_PHYS);
    return cut_bytes;
}

static int note_state_end(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    const char *name = path + walk->base;

    if (type != FTW_F || !g_str_has_prefix(name, CT_CHANNEL_STATE "_") ||
        g_str_has_suffix(name, ".idx"))
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    whole_size(fd, status->st_size, &state_end_ns);
    close(fd);
    return 0;
}

uint64_t ct_streams_state_end_ns(const char *path)
{
    state_end_ns = 0;
    nftw(path, note_state_end, FTW_OPEN_FDS, FTW_PHYS);
    return state_end_ns;
}
