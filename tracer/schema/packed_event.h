/*
 * The packed form of a traced program's events, on their way to the recorder: the fields one behind
 * the other, integers as they are, a string with its end, a sequence's length and then, from the
 * next multiple of 8, its values. Generated from the schema, for each event NAME:
 *
 *     size_t ct_packed_size_NAME(event)        bytes of the packed form
 *     void ct_pack_NAME(event, bytes)          writes so many
 *     bool ct_unpack_NAME(bytes, size, event)  FALSE if they are none; strings and sequences of the
 *                                              event are in the bytes, which are aligned to 8
 */
#ifndef CTRACE_SCHEMA_PACKED_EVENT_H
#define CTRACE_SCHEMA_PACKED_EVENT_H

#include "events.h"

#include <stdbool.h>
#include <string.h>

static inline size_t ct_packed_align(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static inline size_t ct_packed_sequence_end(size_t at, uint32_t count)
{
    return ct_packed_align(at + sizeof(count)) + count * sizeof(uint64_t);
}

static inline size_t ct_pack_string(uint8_t *bytes, size_t at, const char *string)
{
    size_t size = strlen(string) + 1;

    memcpy(bytes + at, string, size);
    return at + size;
}

static inline size_t ct_pack_sequence(uint8_t *bytes, size_t at, struct ct_u64_sequence sequence)
{
    size_t values = ct_packed_align(at + sizeof(sequence.count));

    memcpy(bytes + at, &sequence.count, sizeof(sequence.count));
    memcpy(bytes + values, sequence.values, sequence.count * sizeof(uint64_t));
    return ct_packed_sequence_end(at, sequence.count);
}

/* Where bytes that say otherwise end: beyond any size. */
#define CT_PACKED_BROKEN (SIZE_MAX / 2)

static inline size_t ct_unpack_number(const uint8_t *bytes, size_t size, size_t at, void *number,
                                      size_t number_size)
{
    if (at > size || size - at < number_size)
        return CT_PACKED_BROKEN;
    memcpy(number, bytes + at, number_size);
    return at + number_size;
}

static inline size_t ct_unpack_string(const uint8_t *bytes, size_t size, size_t at,
                                      const char **string)
{
    const void *end = at < size ? memchr(bytes + at, 0, size - at) : NULL;

    if (end == NULL)
        return CT_PACKED_BROKEN;
    *string = (const char *)bytes + at;
    return (size_t)((const uint8_t *)end - bytes) + 1;
}

static inline size_t ct_unpack_sequence(const uint8_t *bytes, size_t size, size_t at,
                                        struct ct_u64_sequence *sequence)
{
    size_t end = ct_unpack_number(bytes, size, at, &sequence->count, sizeof(sequence->count));

    if (end == CT_PACKED_BROKEN || sequence->count > CT_SEQUENCE_LENGTH_MAX)
        return CT_PACKED_BROKEN;
    sequence->values = (const uint64_t *)(const void *)(bytes + ct_packed_align(end));
    end = ct_packed_sequence_end(at, sequence->count);
    return end <= size ? end : CT_PACKED_BROKEN;
}

#define CT_SIZE_NUMBER(name)    at += sizeof(event->name)
#define CT_SIZE_U8              CT_SIZE_NUMBER
#define CT_SIZE_U32             CT_SIZE_NUMBER
#define CT_SIZE_U64             CT_SIZE_NUMBER
#define CT_SIZE_I16             CT_SIZE_NUMBER
#define CT_SIZE_I32             CT_SIZE_NUMBER
#define CT_SIZE_HEX64           CT_SIZE_NUMBER
#define CT_SIZE_OP              CT_SIZE_NUMBER
#define CT_SIZE_CLASS           CT_SIZE_NUMBER
#define CT_SIZE_FD_KIND         CT_SIZE_NUMBER
#define CT_SIZE_STRING(name)    at += strlen(event->name) + 1
#define CT_SIZE_HISTOGRAM(name) at = ct_packed_sequence_end(at, event->name.count)

#define CT_PACK_NUMBER(name)                               \
    memcpy(bytes + at, &event->name, sizeof(event->name)); \
    at += sizeof(event->name)
#define CT_PACK_U8              CT_PACK_NUMBER
#define CT_PACK_U32             CT_PACK_NUMBER
#define CT_PACK_U64             CT_PACK_NUMBER
#define CT_PACK_I16             CT_PACK_NUMBER
#define CT_PACK_I32             CT_PACK_NUMBER
#define CT_PACK_HEX64           CT_PACK_NUMBER
#define CT_PACK_OP              CT_PACK_NUMBER
#define CT_PACK_CLASS           CT_PACK_NUMBER
#define CT_PACK_FD_KIND         CT_PACK_NUMBER
#define CT_PACK_STRING(name)    at = ct_pack_string(bytes, at, event->name)
#define CT_PACK_HISTOGRAM(name) at = ct_pack_sequence(bytes, at, event->name)

#define CT_UNPACK_NUMBER(name) \
    at = ct_unpack_number(bytes, size, at, &event->name, sizeof(event->name))
#define CT_UNPACK_U8              CT_UNPACK_NUMBER
#define CT_UNPACK_U32             CT_UNPACK_NUMBER
#define CT_UNPACK_U64             CT_UNPACK_NUMBER
#define CT_UNPACK_I16             CT_UNPACK_NUMBER
#define CT_UNPACK_I32             CT_UNPACK_NUMBER
#define CT_UNPACK_HEX64           CT_UNPACK_NUMBER
#define CT_UNPACK_OP              CT_UNPACK_NUMBER
#define CT_UNPACK_CLASS           CT_UNPACK_NUMBER
#define CT_UNPACK_FD_KIND         CT_UNPACK_NUMBER
#define CT_UNPACK_STRING(name)    at = ct_unpack_string(bytes, size, at, &event->name)
#define CT_UNPACK_HISTOGRAM(name) at = ct_unpack_sequence(bytes, size, at, &event->name)

#define CT_SIZE_FIELD(type, name)   CT_SIZE_##type(name);
#define CT_PACK_FIELD(type, name)   CT_PACK_##type(name);
#define CT_UNPACK_FIELD(type, name) CT_UNPACK_##type(name);

#define CT_PACKED_EVENT(symbol, name, channel)                                             \
    static inline size_t ct_packed_size_##name(const struct ct_event_##name *event)        \
    {                                                                                      \
        size_t at = 0;                                                                     \
        CT_EVENT_##symbol(CT_SIZE_FIELD) return at;                                        \
    }                                                                                      \
    static inline void ct_pack_##name(const struct ct_event_##name *event, uint8_t *bytes) \
    {                                                                                      \
        size_t at = 0;                                                                     \
        CT_EVENT_##symbol(CT_PACK_FIELD)(void) at;                                         \
    }                                                                                      \
    static inline bool ct_unpack_##name(const uint8_t *bytes, size_t size,                 \
                                        struct ct_event_##name *event)                     \
    {                                                                                      \
        size_t at = 0;                                                                     \
        CT_EVENT_##symbol(CT_UNPACK_FIELD) return at <= size;                              \
    }
CT_PROGRAM_EVENTS(CT_PACKED_EVENT)
#undef CT_PACKED_EVENT

#endif
