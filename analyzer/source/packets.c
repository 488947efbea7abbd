#include "source/packets.h"

#include "files/regular_file.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The beginning of every packet that LTTng writes; in the byte order of this machine. */
struct packet_start {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t stream_id;
    uint64_t stream_instance_id;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t content_bits;
    uint64_t packet_bits;
    uint64_t sequence_number;
    uint64_t events_discarded;
    uint32_t cpu;
} __attribute__((packed));
_Static_assert(offsetof(struct packet_start, packet_bits) == 56, "packet layout");
_Static_assert(sizeof(struct packet_start) == 84, "packet layout");

#define PACKET_MAGIC 0xc1fc1fc1
#define INDEX_MAGIC  0xc1f1dcc1

/* LTTng's index of a stream file: this, then an entry for each packet; big-endian. */
struct index_start {
    uint32_t magic;
    uint32_t major;
    uint32_t minor;
    uint32_t entry_bytes;
};

struct index_entry {
    uint64_t offset;
    uint64_t packet_bits;
    uint64_t content_bits;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t events_discarded;
    uint64_t stream_id;
    /* newer ones say more */
};

/* LTTng writes metadata as packets of text, which begin with this. */
struct metadata_start {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t checksum;
    uint32_t content_bits;
    uint32_t packet_bits;
    uint8_t flags[5];
} __attribute__((packed));

#define METADATA_MAGIC 0x75d11d57

/* Ten times what LTTng writes of all events of the kernel, and twice as deep as any CTF. */
#define METADATA_SIZE_MAX  ((gsize)32 << 20)
#define METADATA_DEPTH_MAX 16

#define INDEX_SIZE_MAX ((gsize)1 << 30) /* more than one ever takes */

/* The size of the whole packet of metadata that begins here; 0 if there is none. */
static gsize metadata_packet_size(const char *bytes, gsize left, struct metadata_start *start)
{
    if (left < sizeof(*start))
        return 0;
    memcpy(start, bytes, sizeof(*start));
    if (start->magic != METADATA_MAGIC || start->content_bits / 8 < sizeof(*start) ||
        start->content_bits > start->packet_bits || start->packet_bits / 8 > left)
        return 0;
    return start->packet_bits / 8;
}

/* Else babeltrace2 would read it for ever. */
static gboolean metadata_is_whole(const char *trace)
{
    g_autofree char *path = g_build_filename(trace, "metadata", NULL);
    g_autofree char *bytes = NULL;
    struct metadata_start start;
    uint32_t magic = METADATA_MAGIC;
    gsize size = 0;
    gsize at = 0;

    if (!ct_regular_file_read(path, METADATA_SIZE_MAX, &bytes, &size) || size < sizeof(magic) ||
        memcmp(bytes, &magic, sizeof(magic)) != 0)
        return TRUE; /* not in packets: plain text has no such trap */
    while (at < size) {
        gsize packet = metadata_packet_size(bytes + at, size - at, &start);
        if (packet == 0)
            return FALSE;
        at += packet;
    }
    return TRUE;
}

/* Past a comment or a string that begins here; else past one character. */
static const char *skip_token(const char *at, const char *end)
{
    if (g_str_has_prefix(at, "/*")) {
        const char *close = strstr(at + 2, "*/");
        return close ? close + 2 : end;
    }
    if (g_str_has_prefix(at, "//"))
        return at + strcspn(at, "\n");
    if (*at != '"')
        return at + 1;
    for (at++; at < end && *at != '"'; at++)
        at += at[0] == '\\' && at + 1 < end;
    return MIN(at + 1, end);
}

/* How deep braces are nested in the text. */
static guint nesting_depth(const char *text, gsize size)
{
    guint depth = 0, deepest = 0;

    for (const char *at = text; at < text + size;) {
        depth += *at == '{';
        depth -= *at == '}' && depth > 0;
        deepest = MAX(deepest, depth);
        at = *at ? skip_token(at, text + size) : at + 1;
    }
    return deepest;
}

/* As babeltrace2 takes it: of CTF 1.8, and neither compressed, nor encrypted, nor with checksums.
 */
static gboolean is_plain_packet(const struct metadata_start *start)
{
    static const uint8_t plain[sizeof(start->flags)] = {0, 0, 0, 1, 8};

    return memcmp(start->flags, plain, sizeof(plain)) == 0;
}

gboolean ct_packets_read_metadata(const char *trace, struct ct_metadata *metadata)
{
    g_autofree char *path = g_build_filename(trace, "metadata", NULL);
    g_autofree char *bytes = NULL;
    GString *text = g_string_new(NULL);
    struct metadata_start start;
    gboolean is_plain = TRUE;
    gsize size = 0;
    gsize at = 0;
    gsize packet;

    *metadata = (struct ct_metadata){0};
    if (!ct_regular_file_read(path, METADATA_SIZE_MAX, &bytes, &size))
        is_plain = FALSE;
    while ((packet = metadata_packet_size(bytes + at, size - at, &start)) > 0) {
        g_string_append_len(text, bytes + at + sizeof(start),
                            start.content_bits / 8 - (gssize)sizeof(start));
        is_plain = is_plain && is_plain_packet(&start) &&
                   (at == 0 || memcmp(metadata->uuid, start.uuid, sizeof(start.uuid)) == 0);
        memcpy(metadata->uuid, start.uuid, sizeof(start.uuid));
        at += packet;
    }
    metadata->is_packets = at > 0;
    if (at == 0 && bytes)
        g_string_append_len(text, bytes, (gssize)size);
    is_plain = is_plain && (at == 0 || at == size) && strlen(text->str) == text->len;
    metadata->text = g_string_free(text, FALSE);
    return is_plain;
}

const char *ct_packets_metadata_obstacle(const char *trace)
{
    g_autofree char *path = g_build_filename(trace, "metadata", NULL);
    struct ct_metadata metadata;
    gboolean is_too_deep;
    struct stat status;

    if (stat(path, &status) != 0)
        return NULL;
    if (!S_ISREG(status.st_mode))
        return "is no regular file";
    if (status.st_size > (off_t)METADATA_SIZE_MAX)
        return "is too large for metadata";
    if (!metadata_is_whole(trace))
        return "is cut off";
    ct_packets_read_metadata(trace, &metadata);
    is_too_deep = nesting_depth(metadata.text, strlen(metadata.text)) > METADATA_DEPTH_MAX;
    g_free(metadata.text);
    return is_too_deep ? "is nested too deep" : NULL;
}

gboolean ct_packets_find_streams(const char *trace, guint64 *stream_ids)
{
    static const char opening[] = "stream {\n\tid = ";
    struct ct_metadata metadata;

    *stream_ids = 0;
    ct_packets_read_metadata(trace, &metadata);
    g_autofree char *text = metadata.text;

    if (!strstr(text, "\"lttng-ust\""))
        return FALSE;
    for (const char *at = text; (at = strstr(at, opening)); at++) {
        guint64 id = g_ascii_strtoull(at + strlen(opening), NULL, 10);

        *stream_ids |= id < 64 ? UINT64_C(1) << id : UINT64_MAX;
    }
    return *stream_ids != 0;
}

static gboolean is_sane(const struct packet_start *packet, const struct packet_start *first)
{
    return packet->magic == PACKET_MAGIC &&
           memcmp(packet->uuid, first->uuid, sizeof(packet->uuid)) == 0 &&
           packet->stream_id == first->stream_id &&
           packet->stream_instance_id == first->stream_instance_id &&
           packet->packet_bits % 8 == 0 && packet->content_bits <= packet->packet_bits &&
           packet->content_bits / 8 >= sizeof(*packet) && packet->begin_ns <= packet->end_ns &&
           packet->end_ns <= INT64_MAX;
}

/* Whether it can come after the one before. */
static gboolean follows(const struct packet_start *packet, const struct packet_start *before)
{
    return packet->begin_ns >= before->begin_ns &&
           packet->sequence_number > before->sequence_number &&
           packet->events_discarded >= before->events_discarded;
}

static gboolean is_known_stream(uint32_t id, guint64 stream_ids)
{
    return stream_ids == UINT64_MAX || (id < 64 && (stream_ids >> id & 1) != 0);
}

void ct_packets_check(int file, gint64 size, guint64 stream_ids, struct ct_packets *packets)
{
    struct packet_start first = {0};
    struct packet_start before = {0};

    *packets = (struct ct_packets){0};
    while (packets->readable_bytes < size) {
        struct packet_start packet;
        gint64 left = size - packets->readable_bytes;

        if (pread(file, &packet, sizeof(packet), packets->readable_bytes) != sizeof(packet))
            return;
        if (packets->count == 0)
            first = packet;
        packets->is_damaged = !is_sane(&packet, &first) ||
                              !is_known_stream(packet.stream_id, stream_ids) ||
                              (packets->count > 0 && !follows(&packet, &before));
        if (packets->is_damaged || packet.packet_bits / 8 > (uint64_t)left)
            return;
        packets->readable_bytes += (gint64)(packet.packet_bits / 8);
        packets->count++;
        before = packet;
    }
}

static gboolean is_entry_of(const struct index_entry *entry, const struct packet_start *packet,
                            gint64 offset)
{
    return GUINT64_FROM_BE(entry->offset) == (uint64_t)offset &&
           GUINT64_FROM_BE(entry->packet_bits) == packet->packet_bits &&
           GUINT64_FROM_BE(entry->content_bits) == packet->content_bits &&
           GUINT64_FROM_BE(entry->begin_ns) == packet->begin_ns &&
           GUINT64_FROM_BE(entry->end_ns) == packet->end_ns &&
           GUINT64_FROM_BE(entry->events_discarded) == packet->events_discarded &&
           GUINT64_FROM_BE(entry->stream_id) == packet->stream_id;
}

gboolean ct_packets_match_index(int file, const struct ct_packets *packets, const char *index_path)
{
    g_autofree char *bytes = NULL;
    struct index_start start;
    gint64 offset = 0;
    gsize size;

    if (!ct_regular_file_read(index_path, INDEX_SIZE_MAX, &bytes, &size))
        return TRUE;
    if (size < sizeof(start))
        return FALSE;
    memcpy(&start, bytes, sizeof(start));

    gsize entry_bytes = GUINT32_FROM_BE(start.entry_bytes);

    if (GUINT32_FROM_BE(start.magic) != INDEX_MAGIC || entry_bytes < sizeof(struct index_entry) ||
        (size - sizeof(start)) / entry_bytes != packets->count)
        return FALSE;
    for (guint64 i = 0; i < packets->count; i++) {
        struct packet_start packet;
        struct index_entry entry;

        memcpy(&entry, bytes + sizeof(start) + i * entry_bytes, sizeof(entry));
        if (pread(file, &packet, sizeof(packet), offset) != sizeof(packet) ||
            !is_entry_of(&entry, &packet, offset))
            return FALSE;
        offset += (gint64)(packet.packet_bits / 8);
    }
    return TRUE;
}
