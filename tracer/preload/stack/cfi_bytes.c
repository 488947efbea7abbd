#include "cfi_bytes.h"

#include <stddef.h>
#include <string.h>

uint64_t ct_cfi_number(struct ct_cfi_bytes *bytes, unsigned size)
{
    uint64_t number = 0;

    if ((size_t)(bytes->end - bytes->at) < size) {
        bytes->at = bytes->end;
        return 0;
    }
    memcpy(&number, bytes->at, size); /* both machines are little-endian */
    bytes->at += size;
    return number;
}

uint64_t ct_cfi_uleb(struct ct_cfi_bytes *bytes)
{
    uint64_t number = 0;

    for (unsigned shift = 0; bytes->at < bytes->end; shift += 7) {
        uint8_t byte = *bytes->at++;
        if (shift < 64)
            number |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return number;
}

int64_t ct_cfi_sleb(struct ct_cfi_bytes *bytes)
{
    uint64_t number = 0;
    unsigned shift = 0;
    uint8_t byte = 0;

    while (bytes->at < bytes->end) {
        byte = *bytes->at++;
        if (shift < 64)
            number |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if (!(byte & 0x80))
            break;
    }
    if (byte & 0x40 && shift < 64)
        number |= UINT64_MAX << shift;
    return (int64_t)number;
}

struct ct_cfi_bytes ct_cfi_take(struct ct_cfi_bytes *bytes, uint64_t size)
{
    size_t left = (size_t)(bytes->end - bytes->at);
    struct ct_cfi_bytes taken = {bytes->at, bytes->at + (size < left ? size : left)};

    bytes->at = taken.end;
    return taken;
}

#define ENCODING_RELATIVE 0x10
#define ENCODING_OMITTED  0xff

bool ct_cfi_pointer(struct ct_cfi_bytes *bytes, uint8_t encoding, uint64_t *value)
{
    static const struct {
        uint8_t size;
        bool is_signed;
    } formats[16] = {[0x0] = {8, false}, [0x2] = {2, false}, [0x3] = {4, false}, [0x4] = {8, false},
                     [0xa] = {2, true},  [0xb] = {4, true},  [0xc] = {8, true}};
    uint64_t place = (uint64_t)bytes->at;
    unsigned size = formats[encoding & 0xf].size;

    if (size == 0 || encoding == ENCODING_OMITTED)
        return false;
    *value = ct_cfi_number(bytes, size);
    if (formats[encoding & 0xf].is_signed && size < 8 && *value >> (size * 8 - 1))
        *value |= UINT64_MAX << size * 8;
    if ((encoding & 0x70) == ENCODING_RELATIVE)
        *value += place;
    return true;
}
