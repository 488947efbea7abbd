#include "clock.h"

#include "files/regular_file.h"
#include "files/tree.h"
#include "system/monotonic.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAGIC    0x75d11d57u
#define METADATA_SIZE_MAX ((gsize)64 << 20)
#define UUID_DIGITS       32

/* Before each packet of metadata; sizes are in bits. */
struct metadata_head {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t checksum;
    uint32_t content_size;
    uint32_t packet_size;
    uint8_t schemes[5];
} __attribute__((packed));

/* The text of all packets. */
static char *unpack(const char *data, size_t size)
{
    GString *text = g_string_new(NULL);
    struct metadata_head head;

    for (size_t at = 0; at + sizeof(head) <= size;) {
        memcpy(&head, data + at, sizeof(head));
        size_t content = head.content_size / 8, packet = head.packet_size / 8;
        if (head.magic != METADATA_MAGIC || content < sizeof(head) || content > packet ||
            packet > size - at)
            break;
        g_string_append_len(text, data + at + sizeof(head), (gssize)(content - sizeof(head)));
        at += packet;
    }
    return g_string_free(text, FALSE);
}

static gboolean parse_uuid(const char *text, uint8_t uuid[16])
{
    unsigned digits = 0;

    for (; digits < UUID_DIGITS; text++) {
        if (*text == '-')
            continue;
        int digit = g_ascii_xdigit_value(*text);
        if (digit < 0)
            return FALSE;
        uuid[digits / 2] = (uint8_t)(uuid[digits / 2] << 4 | digit);
        digits++;
    }
    return TRUE;
}

static gboolean parse_clock(const char *text, struct ct_trace_clock *clock)
{
    static const char offset_key[] = "offset = ", uuid_key[] = "uuid = \"";
    const char *block = strstr(text, "\nclock {");
    const char *end = block != NULL ? strstr(block, "};") : NULL;

    if (end == NULL)
        return FALSE;
    g_autofree char *body = g_strndup(block, (size_t)(end - block));
    const char *offset = strstr(body, offset_key);
    const char *uuid = strstr(body, uuid_key);
    if (offset == NULL)
        return FALSE;
    clock->offset_ns = strtoull(offset + strlen(offset_key), NULL, 10);
    clock->has_uuid = uuid != NULL && parse_uuid(uuid + strlen(uuid_key), clock->uuid);
    return TRUE;
}

static gboolean look_for_clock(int folder_fd, const char *name, const struct stat *status,
                               void *wanted)
{
    g_autofree char *data = NULL;
    gsize size;

    if (!S_ISREG(status->st_mode) || strcmp(name, "metadata") != 0 ||
        !ct_regular_file_read_at(folder_fd, name, O_RDONLY | O_NOFOLLOW, METADATA_SIZE_MAX, &data,
                                 &size))
        return FALSE;
    g_autofree char *text = unpack(data, size);
    return parse_clock(text, wanted);
}

void ct_trace_clock_read(const char *path, struct ct_trace_clock *clock)
{
    *clock = (struct ct_trace_clock){0};
    if (!ct_tree_walk(path, look_for_clock, clock))
        clock->offset_ns = (uint64_t)g_get_real_time() * 1000 - ct_monotonic_ns();
}
