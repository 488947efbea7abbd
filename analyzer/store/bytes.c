#include "store/bytes.h"

#include <string.h>

void ct_bytes_grow(struct ct_bytes *bytes, size_t more)
{
    bytes->capacity = MAX(bytes->size + more, MAX(256, 2 * bytes->capacity));
    bytes->bytes = g_realloc(bytes->bytes, bytes->capacity);
}

void ct_bytes_clear(struct ct_bytes *bytes)
{
    g_free(bytes->bytes);
    *bytes = (struct ct_bytes){0};
}

void ct_bytes_put_all(struct ct_bytes *bytes, const void *from, size_t size)
{
    if (size == 0)
        return;
    ct_bytes_reserve(bytes, size);
    memcpy(bytes->bytes + bytes->size, from, size);
    bytes->size += size;
}

void ct_bytes_put_string(struct ct_bytes *bytes, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;

    ct_bytes_put(bytes, size);
    ct_bytes_put_all(bytes, text, size);
}

const char *ct_bytes_take_string(struct ct_bytes_input *input)
{
    uint64_t size = ct_bytes_take_count(input);
    const uint8_t *text = input->at;

    if (size == 0)
        return NULL;
    if (memchr(text, '\0', size) != text + size - 1) {
        input->is_bad = TRUE;
        input->at = input->end;
        return NULL;
    }
    input->at += size;
    return (const char *)text;
}
