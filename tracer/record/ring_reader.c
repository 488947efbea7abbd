#include "ring_reader.h"

#include "board_places.h"

#include <string.h>

#define TAIL_AT offsetof(struct ct_board_ring, tail)

static struct ct_ring_reader reader_on(const struct ct_board_map *map, size_t ring_at,
                                       uint32_t size)
{
    struct ct_ring_reader reader = {.map = map, .ring_at = ring_at, .size = size};
    uint64_t head;

    ct_board_map_copy(map, ring_at + TAIL_AT, &reader.given, sizeof(reader.given));
    ct_board_map_copy(map, ring_at + offsetof(struct ct_board_ring, head), &head, sizeof(head));
    reader.epoch = head & ~CT_RING_POSITION_MASK;
    reader.head = head & CT_RING_POSITION_MASK;
    reader.at = ct_ring_begin(head, reader.given);
    /* Where that makes no sense, nothing is there. */
    if (reader.head - reader.at > size || reader.at % sizeof(uint64_t) != 0)
        reader.at = reader.head;
    reader.wrap_at = reader.at - reader.at % size + size;
    return reader;
}

uint32_t ct_ring_readers_of(const struct ct_board_map *map, uint32_t slot,
                            struct ct_ring_reader readers[CT_SLOT_RINGS])
{
    size_t at = ct_board_map_place(map, CT_TABLE_SLOTS, slot);
    uint32_t large[2]; /* and what comes behind it */

    ct_board_map_copy(map, at + offsetof(struct ct_board_slot, large_ring), large, sizeof(large));
    readers[0] =
        reader_on(map, at + offsetof(struct ct_board_slot, small_ring), CT_RING_SMALL_SIZE);
    if (large[0] - 1 >= ct_board_map_entries(map, CT_TABLE_RINGS, CT_BOARD_MAX_RINGS))
        return 1;
    readers[1] =
        reader_on(map, ct_board_map_place(map, CT_TABLE_RINGS, large[0] - 1), CT_RING_LARGE_SIZE);
    return 2;
}

/* Where the bytes of a position before wrap_at are. */
static size_t place_of(const struct ct_ring_reader *reader, uint64_t at)
{
    return reader->ring_at + sizeof(struct ct_board_ring) + reader->size -
           (size_t)(reader->wrap_at - at);
}

/* Copies what comes next, if the chunk does not have so much of it, and if there is so much. */
static gboolean has(struct ct_ring_reader *reader, size_t size)
{
    if (reader->at - reader->chunk_at + size <= reader->chunk_size)
        return TRUE;
    uint64_t there = MIN(reader->head, reader->wrap_at) - reader->at;
    uint64_t copied = MIN(there, CT_RING_CHUNK) & ~(uint64_t)(sizeof(uint64_t) - 1);

    ct_board_map_copy(reader->map, place_of(reader, reader->at), reader->chunk, copied);
    reader->chunk_at = reader->at;
    reader->chunk_size = (uint32_t)copied;
    return size <= copied;
}

/* What comes next, in the chunk. */
static const uint8_t *next_of(const struct ct_ring_reader *reader)
{
    return (const uint8_t *)reader->chunk + (reader->at - reader->chunk_at);
}

gboolean ct_ring_reader_find(struct ct_ring_reader *reader)
{
    struct ct_ring_record *record = &reader->record;

    while (reader->at < reader->head) {
        if (reader->at == reader->wrap_at)
            reader->wrap_at += reader->size;
        uint64_t left = reader->wrap_at - reader->at;
        if (left < sizeof(*record)) {
            reader->at = reader->wrap_at;
            continue;
        }
        if (!has(reader, sizeof(*record)))
            break;
        memcpy(record, next_of(reader), sizeof(*record));
        if (record->event >= CT_EVENT_COUNT) {
            reader->at = reader->wrap_at;
            continue;
        }
        if (record->size < sizeof(*record) || record->size > CT_RING_RECORD_MAX ||
            record->size % sizeof(uint64_t) != 0 || record->size > left ||
            record->size > reader->head - reader->at)
            break;
        return TRUE;
    }
    reader->at = reader->head;
    return FALSE;
}

const uint8_t *ct_ring_reader_take(struct ct_ring_reader *reader,
                                   uint64_t bytes[CT_RING_RECORD_MAX / sizeof(uint64_t)],
                                   size_t *size)
{
    const struct ct_ring_record *record = &reader->record;
    const uint8_t *event;

    *size = record->size - sizeof(*record);
    if (has(reader, record->size)) {
        event = next_of(reader) + sizeof(*record);
    } else {
        ct_board_map_copy(reader->map, place_of(reader, reader->at + sizeof(*record)), bytes,
                          *size);
        event = (const uint8_t *)bytes;
    }
    reader->at += record->size;
    return event;
}

void ct_ring_reader_give_room(struct ct_ring_reader *reader)
{
    uint64_t tail = reader->epoch | reader->at;

    if (tail == reader->given)
        return;
    reader->given = tail;
    ct_board_map_store(reader->map, reader->ring_at + TAIL_AT, tail);
}

_Static_assert(offsetof(struct ct_board_slot, large_ring) % sizeof(uint64_t) == 0, "words");
