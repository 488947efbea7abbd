/*
 * Numbers and strings as bytes. What is taken from bytes is never trusted: beyond their end, and
 * where they are none, there is 0 and "", and the input is bad from then on.
 */
#ifndef CTRACE_STORE_BYTES_H
#define CTRACE_STORE_BYTES_H

#include <glib.h>
#include <stdint.h>

#define CT_VARINT_MAX 10

struct ct_bytes {
    uint8_t *bytes; /* owned */
    size_t size;
    size_t capacity;
};

struct ct_bytes_input {
    const uint8_t *at; /* borrowed */
    const uint8_t *end;
    gboolean is_bad;
};

/* Room for so many more. */
void ct_bytes_grow(struct ct_bytes *bytes, size_t more);
static inline void ct_bytes_reserve(struct ct_bytes *bytes, size_t more)
{
    if (bytes->capacity - bytes->size < more)
        ct_bytes_grow(bytes, more);
}

void ct_bytes_clear(struct ct_bytes *bytes);

/* Seven bits in a byte, the lowest first, where there is room for CT_VARINT_MAX. Returns where it
 * ends. */
static inline uint8_t *ct_varint_put(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline void ct_bytes_put(struct ct_bytes *bytes, uint64_t value)
{
    ct_bytes_reserve(bytes, CT_VARINT_MAX);
    bytes->size = (size_t)(ct_varint_put(bytes->bytes + bytes->size, value) - bytes->bytes);
}

void ct_bytes_put_all(struct ct_bytes *bytes, const void *from, size_t size);

/* With its end; NULL is told apart from "". */
void ct_bytes_put_string(struct ct_bytes *bytes, const char *text);

static inline uint64_t ct_bytes_take(struct ct_bytes_input *input)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && input->at < input->end; shift += 7) {
        uint8_t byte = *input->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    input->is_bad = TRUE;
    input->at = input->end;
    return 0;
}

/* Lies in the bytes; or NULL. */
const char *ct_bytes_take_string(struct ct_bytes_input *input);

/* A number of things of at least a byte each, that are to follow. */
static inline uint64_t ct_bytes_take_count(struct ct_bytes_input *input)
{
    uint64_t count = ct_bytes_take(input);

    if (count <= (uint64_t)(input->end - input->at))
        return count;
    input->is_bad = TRUE;
    input->at = input->end;
    return 0;
}

/* Small numbers of either sign as small ones without. */
static inline uint64_t ct_zigzag(uint64_t value)
{
    return value << 1 ^ (value >> 63 ? UINT64_MAX : 0);
}

static inline uint64_t ct_unzigzag(uint64_t value)
{
    return value >> 1 ^ (value & 1 ? UINT64_MAX : 0);
}

#endif
