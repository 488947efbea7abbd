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
