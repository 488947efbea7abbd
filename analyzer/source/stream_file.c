#include "source/stream_file.h"

#include "files/regular_file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKET_MAGIC 0xc1fc1fc1
#define MAGIC_SIZE   4

/* One is held in memory of each stream; what ctrace writes has at most a quarter of it. */
#define PACKET_SIZE_MAX (G_GUINT64_CONSTANT(16) << 20)

#define START_SIZE_MAX 96

/* So much of a file is read at once, or a packet: those of LTTng may be of one page. */
#define WINDOW_SIZE (G_GUINT64_CONSTANT(64) << 10)

static guint64 number_at(const guint8 *bytes, guint at, guint size)
{
    guint64 number = 0;

    memcpy(&number, bytes + at, size);
    return number;
}

static struct ct_packet parse_start(const guint8 *start, const struct ct_packet_shape *shape)
{
    return (struct ct_packet){
        .stream_id = number_at(start, shape->stream_id, shape->stream_id_size),
        .instance = number_at(start, shape->instance, 8),
        .begin_ns = number_at(start, shape->begin_ns, 8),
        .end_ns = number_at(start, shape->end_ns, 8),
        .content_size = number_at(start, shape->content_bits, 8) / 8,
        .size = number_at(start, shape->packet_bits, 8) / 8,
        .sequence = number_at(start, shape->sequence, 8),
        .discarded = number_at(start, shape->discarded, 8),
        .cpu = (guint32)number_at(start, shape->cpu, 4),
    };
}

static gboolean is_sane(const guint8 *start, const struct ct_trace_layout *layout)
{
    const struct ct_packet_shape *shape = layout->packets;
    const struct ct_packet packet = parse_start(start, shape);

    return number_at(start, 0, MAGIC_SIZE) == PACKET_MAGIC &&
           memcmp(start + MAGIC_SIZE, layout->uuid, sizeof(layout->uuid)) == 0 &&
           number_at(start, shape->content_bits, 8) % 8 == 0 &&
           number_at(start, shape->packet_bits, 8) % 8 == 0 && packet.content_size >= shape->size &&
           packet.content_size <= packet.size && packet.size <= PACKET_SIZE_MAX &&
           packet.begin_ns <= packet.end_ns &&
           packet.end_ns <= (guint64)(G_MAXINT64 - layout->epoch_offset_ns);
}

/* Whether it can come after the one before. */
static gboolean follows(const struct ct_packet *packet, const struct ct_packet *before)
{
    return packet->stream_id == before->stream_id && packet->instance == before->instance &&
           packet->begin_ns >= before->begin_ns && packet->sequence > before->sequence &&
           packet->discarded >= before->discarded;
}

static gboolean read_bytes(int file, guint8 *bytes, guint64 size, guint64 offset)
{
    guint64 at = 0;

    while (at < size) {
        ssize_t got = pread(file, bytes + at, size - at, (off_t)(offset + at));

        if (got <= 0)
            return FALSE;
        at += (guint64)got;
    }
    return TRUE;
}

/* FALSE: not all of them can be read. */
static gboolean check_packets(struct ct_stream_file *stream_file)
{
    const struct ct_trace_layout *layout = stream_file->layout;
    struct ct_packet before = {0};
    guint64 offset = 0;

    while (offset < stream_file->size) {
        guint8 start[START_SIZE_MAX];
        guint64 left = stream_file->size - offset;
        struct ct_packet packet;

        if (left < layout->packets->size ||
            !read_bytes(stream_file->file, start, layout->packets->size, offset) ||
            !is_sane(start, layout))
            return FALSE;
        packet = parse_start(start, layout->packets);
        if (packet.size > left || (offset > 0 && !follows(&packet, &before)))
            return FALSE;
        stream_file->capacity = MAX(stream_file->capacity, packet.size);
        stream_file->packet_count++;
        offset += packet.size;
        before = packet;
    }
    stream_file->instance = before.instance;
    stream_file->stream = ct_trace_layout_find_stream(layout, before.stream_id);
    return stream_file->packet_count == 0 || stream_file->stream != NULL;
}

static guint64 window_capacity(const struct ct_stream_file *stream_file)
{
    return MAX(stream_file->capacity, WINDOW_SIZE);
}

gboolean ct_stream_file_open(struct ct_stream_file *stream_file, const char *path,
                             const struct ct_trace_layout *layout)
{
    struct stat status;

    *stream_file = (struct ct_stream_file){.path = g_strdup(path), .layout = layout};
    stream_file->file = ct_regular_file_open(path);
    if (stream_file->file >= 0 && fstat(stream_file->file, &status) == 0) {
        stream_file->size = (guint64)status.st_size;
        if (check_packets(stream_file)) {
            stream_file->window = g_malloc(window_capacity(stream_file));
            return TRUE;
        }
    }
    ct_stream_file_close(stream_file);
    return FALSE;
}

/* Reads on to `size` bytes of the window. */
static gboolean extend_window(struct ct_stream_file *stream_file, guint64 size)
{
    guint64 known = stream_file->window_size;

    stream_file->window_size = 0;
    if (!read_bytes(stream_file->file, stream_file->window + known, size - known,
                    stream_file->window_offset + known))
        return FALSE;
    stream_file->window_size = size;
    return TRUE;
}

/* No more than the largest packet has. NULL: they cannot be read. */
static const guint8 *bytes_at(struct ct_stream_file *stream_file, guint64 offset, guint64 size)
{
    guint64 within = offset - stream_file->window_offset;
    guint64 left = stream_file->size - offset;

    if (within < stream_file->window_size && size <= stream_file->window_size - within)
        return stream_file->window + within;
    if (within != 0) {
        stream_file->window_offset = offset;
        stream_file->window_size = 0;
    }
    if (size > left || !extend_window(stream_file, MIN(MAX(size, WINDOW_SIZE), left)))
        return NULL;
    return stream_file->window;
}

gboolean ct_stream_file_read(struct ct_stream_file *stream_file, struct ct_packet *packet)
{
    const struct ct_trace_layout *layout = stream_file->layout;
    const guint8 *start;

    stream_file->offset = stream_file->next_offset;
    start = bytes_at(stream_file, stream_file->offset, layout->packets->size);
    if (!start || !is_sane(start, layout))
        return FALSE;
    *packet = parse_start(start, layout->packets);
    if (packet->size > stream_file->capacity ||
        packet->size > stream_file->size - stream_file->offset)
        return FALSE;
    stream_file->bytes = bytes_at(stream_file, stream_file->offset, packet->content_size);
    stream_file->next_offset = stream_file->offset + packet->size;
    return stream_file->bytes != NULL;
}

void ct_stream_file_close(struct ct_stream_file *stream_file)
{
    if (stream_file->file >= 0)
        close(stream_file->file);
    stream_file->file = -1;
    g_clear_pointer(&stream_file->path, g_free);
    g_clear_pointer(&stream_file->window, g_free);
    stream_file->bytes = NULL;
}
