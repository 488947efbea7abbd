#include "export/gzip.h"

#include <limits.h>
#include <stdint.h>
#include <zlib.h>

/* zlib's "window bits" for its largest window, with gzip's header and trailer around it. */
#define GZIP_FORMAT (MAX_WBITS + 16)

GBytes *ct_gzip(GBytes *bytes, GError **error)
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

static const char damaged[] = "what is compressed in it is damaged, or cut off";

/* All that there is of one piece. NULL, or what is wrong with it. */
static const char *inflate_piece(z_stream *stream, gsize size_max, GByteArray *plain)
{
    uint8_t room[1 << 16];
    int status = Z_OK;

    while (status == Z_OK) {
        stream->next_out = room;
        stream->avail_out = sizeof(room);
        status = inflate(stream, Z_NO_FLUSH);
        gsize made = sizeof(room) - stream->avail_out;

        if (plain->len + made > size_max)
            return "it is larger than any profile";
        g_byte_array_append(plain, room, (guint)made);
    }
    return status == Z_STREAM_END && inflateReset(stream) == Z_OK ? NULL : damaged;
}

GBytes *ct_gunzip(GBytes *bytes, gsize size_max, GError **error)
{
    z_stream stream = {0};
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    g_autoptr(GByteArray) plain = g_byte_array_new();
    const char *fault =
        size <= UINT_MAX && inflateInit2(&stream, GZIP_FORMAT) == Z_OK ? NULL : damaged;

    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)size;
    while (!fault && stream.avail_in > 0)
        fault = inflate_piece(&stream, size_max, plain);
    inflateEnd(&stream);
    if (!fault)
        return g_byte_array_free_to_bytes(g_steal_pointer(&plain));
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, fault);
    return NULL;
}
