/*
 * Stream files, an index and metadata as the input has them -> the checks that stand before
 * babeltrace2, and what is saved of a trace that does not pass them.
 *
 * An input is a byte of choices, then packets: a byte, 0 for one whose header is sound but for what
 * follows, and else so many raw bytes.
 */
#include "fuzz.h"
#include "source/packets.h"
#include "source/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKET_MAGIC   0xc1fc1fc1
#define METADATA_MAGIC 0x75d11d57
#define INDEX_MAGIC    0xc1f1dcc1
#define FILE_BYTES_MAX 65536
#define HEADER_BYTES   84
#define UUID_BYTES     16

static const char text_metadata[] =
    "/* CTF 1.8 */\nenv {\n\ttracer_name = \"lttng-ust\";\n};\nstream {\n\tid = 0;\n};\n";

static void put(GByteArray *bytes, uint64_t value, guint size)
{
    g_byte_array_append(bytes, (const guint8 *)&value, size);
}

static void put_big(GByteArray *bytes, uint64_t value, guint size)
{
    for (guint i = size; i-- > 0;) {
        guint8 byte = (guint8)(value >> (8 * i));

        g_byte_array_append(bytes, &byte, 1);
    }
}

/* What the index says of the packets. */
struct entry {
    uint64_t offset, packet_bits, content_bits, begin_ns, end_ns, discarded;
};

static struct entry put_packet(GByteArray *bytes, struct fuzz_input *input, uint64_t sequence)
{
    static const guint8 uuid[UUID_BYTES];
    struct entry entry = {.offset = bytes->len};
    guint content = HEADER_BYTES + fuzz_take_u8(input);
    guint slack = fuzz_take_u8(input) & 31;
    uint8_t odd = fuzz_take_u8(input);

    entry.begin_ns = sequence * 100;
    entry.end_ns = entry.begin_ns + 50;
    entry.content_bits = content * UINT64_C(8);
    entry.packet_bits = (content + slack) * UINT64_C(8);
    entry.discarded = 0;
    uint64_t *const fields[] = {&entry.begin_ns,    &entry.end_ns, &entry.content_bits,
                                &entry.packet_bits, &sequence,     &entry.discarded};

    if (odd > 0 && odd <= G_N_ELEMENTS(fields))
        *fields[odd - 1] = fuzz_take_u64(input);
    put(bytes, odd == 7 ? fuzz_take_u64(input) : PACKET_MAGIC, 4);
    g_byte_array_append(bytes, uuid, sizeof(uuid));
    put(bytes, odd == 8 ? fuzz_take_u8(input) : 0, 4);
    put(bytes, odd == 9 ? fuzz_take_u8(input) : 0, 8);
    put(bytes, entry.begin_ns, 8);
    put(bytes, entry.end_ns, 8);
    put(bytes, entry.content_bits, 8);
    put(bytes, entry.packet_bits, 8);
    put(bytes, sequence, 8);
    put(bytes, entry.discarded, 8);
    put(bytes, 0, 4);
    for (guint i = HEADER_BYTES; i < content + slack; i++)
        put(bytes, 0, 1);
    return entry;
}

static void write_index(const char *path, const GArray *entries, struct fuzz_input *odd)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    put_big(bytes, INDEX_MAGIC, 4);
    put_big(bytes, 1, 4);
    put_big(bytes, 1, 4);
    put_big(bytes, 7 * sizeof(uint64_t), 4);
    for (guint i = 0; i < entries->len; i++) {
        const struct entry *entry = &g_array_index(entries, struct entry, i);

        put_big(bytes, entry->offset, 8);
        put_big(bytes, entry->packet_bits, 8);
        put_big(bytes, entry->content_bits, 8);
        put_big(bytes, entry->begin_ns, 8);
        put_big(bytes, entry->end_ns, 8);
        put_big(bytes, entry->discarded, 8);
        put_big(bytes, 0, 8);
    }
    while (odd->left >= 3) {
        guint at = fuzz_take_u16(odd) % bytes->len;

        bytes->data[at] = fuzz_take_u8(odd);
    }
    fuzz_write_file(path, bytes->data, bytes->len);
}

/* As LTTng writes it, in packets; their headers may say anything. */
static void write_metadata_packets(const char *path, struct fuzz_input *input)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    static const guint8 uuid[UUID_BYTES + 4];
    const guint header = 37;

    do {
        uint8_t odd = fuzz_take_u8(input);
        guint length = header + (guint)strlen(text_metadata);
        uint64_t content = odd == 1 ? fuzz_take_u64(input) : length * UINT64_C(8);
        uint64_t size = odd == 2 ? fuzz_take_u64(input) : length * UINT64_C(8);

        put(bytes, METADATA_MAGIC, 4);
        g_byte_array_append(bytes, uuid, sizeof(uuid));
        put(bytes, content, 4);
        put(bytes, size, 4);
        put(bytes, 0, 5);
        g_byte_array_append(bytes, (const guint8 *)text_metadata, (guint)strlen(text_metadata));
    } while (input->left > 0 && bytes->len < FILE_BYTES_MAX);
    fuzz_write_file(path, bytes->data, bytes->len);
}

static void write_metadata(const char *path, uint8_t choice, struct fuzz_input *input)
{
    switch (choice & 3) {
    case 0:
    case 1:
        fuzz_write_file(path, text_metadata, strlen(text_metadata));
        break;
    case 2:
        write_metadata_packets(path, input);
        break;
    default:
        fuzz_write_file(path, input->at, input->left);
        break;
    }
}

/* What was kept of the stream file holds whole packets only. */
static void check_saved(const char *path)
{
    g_autofree char *file = g_build_filename(path, "stream", NULL);
    g_autofree char *bytes = NULL;
    guint64 streams = 0;
    gsize size;

    ct_packets_metadata_obstacle(path);
    if (!ct_packets_find_streams(path, &streams) || !g_file_get_contents(file, &bytes, &size, NULL))
        return;
    struct ct_packets packets;
    int opened = open(file, O_RDONLY | O_CLOEXEC);

    ct_packets_check(opened, (gint64)size, streams, &packets);
    FUZZ_REQUIRE(packets.readable_bytes == (gint64)size && !packets.is_damaged);
    close(opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_take_u8(&input);
    struct fuzz_input odd = fuzz_take_part(&input, fuzz_take_u8(&input) & 31);
    g_autofree char *trace = g_build_filename(fuzz_folder(), "trace", NULL);
    g_autofree char *stream = g_build_filename(trace, "stream", NULL);
    g_autofree char *metadata = g_build_filename(trace, "metadata", NULL);
    g_autofree char *index = g_build_filename(trace, "index", "stream.idx", NULL);
    g_autofree char *index_folder = g_path_get_dirname(index);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    struct ct_salvage_check check;

    g_mkdir_with_parents(index_folder, 0700);
    write_metadata(metadata, choice, &odd);
    for (uint64_t sequence = 1; input.left > 0 && bytes->len < FILE_BYTES_MAX; sequence++) {
        uint8_t raw = fuzz_take_u8(&input);
        struct fuzz_input part = fuzz_take_part(&input, raw);

        if (raw == 0) {
            struct entry entry = put_packet(bytes, &input, sequence);

            g_array_append_val(entries, entry);
        } else if (part.left > 0) {
            g_byte_array_append(bytes, part.at, (guint)part.left);
        }
    }
    fuzz_write_file(stream, bytes->data, bytes->len);
    if (choice & 4)
        write_index(index, entries, &odd);
    else
        g_unlink(index);
    ct_packets_metadata_obstacle(trace);
    ct_salvage_check(trace, &check);
    if (check.is_needed || choice & 8) {
        struct ct_salvage *salvage = ct_salvage_new(trace);

        FUZZ_REQUIRE(salvage != NULL);
        check_saved(ct_salvage_path(salvage));
        ct_salvage_free(salvage);
    }
    g_free(check.damage);
    return 0;
}
