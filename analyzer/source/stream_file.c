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

gboolean ct_stream_file_open(struct ct_stream_file *stream_file, const char *path,
                             const struct ct_trace_layout *layout)
{
    struct stat status;

    *stream_file = (struct ct_stream_file){.path = g_strdup(path), .layout = layout};
    stream_file->file = ct_regular_file_open(path);
    if (stream_file->file >= 0 && fstat(stream_file->file, &status) == 0) {
        stream_file->size = (guint64)status.st_size;
        if (check_packets(stream_file)) {
            stream_file->bytes = g_malloc(stream_file->capacity);
            return TRUE;
        }
    }
    ct_stream_file_close(stream_file);
    return FALSE;
}

gboolean ct_stream_file_read(struct ct_stream_file *stream_file, struct ct_packet *packet)
{
    const struct ct_trace_layout *layout = stream_file->layout;
    guint start_size = layout->packets->size;

    stream_file->offset = stream_file->next_offset;
    if (stream_file->capacity < start_size ||
        !read_bytes(stream_file->file, stream_file->bytes, start_size, stream_file->offset) ||
        !is_sane(stream_file->bytes, layout))
        return FALSE;
    *packet = parse_start(stream_file->bytes, layout->packets);
    if (packet->size > stream_file->capacity ||
        packet->size > stream_file->size - stream_file->offset ||
        !read_bytes(stream_file->file, stream_file->bytes + start_size,
                    packet->content_size - start_size, stream_file->offset + start_size))
        return FALSE;
    stream_file->next_offset = stream_file->offset + packet->size;
    return TRUE;
}

void ct_stream_file_close(struct ct_stream_file *stream_file)
{
    if (stream_file->file >= 0)
        close(stream_file->file);
    stream_file->file = -1;
    g_clear_pointer(&stream_file->path, g_free);
    g_clear_pointer(&stream_file->bytes, g_free);
}
