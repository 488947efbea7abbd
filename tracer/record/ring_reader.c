#include "ring_reader.h"

#include "board_places.h"

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

gboolean ct_ring_reader_find(struct ct_ring_reader *reader)
{
    struct ct_ring_record *record = &reader->record;

    while (reader->at < reader->head) {
        uint64_t offset = reader->at % reader->size;
        uint64_t left = reader->size - offset;
        if (left < sizeof(*record)) {
            reader->at += left;
            continue;
        }
        ct_board_map_copy(reader->map, reader->ring_at + sizeof(struct ct_board_ring) + offset,
                          record, sizeof(*record));
        if (record->event >= CT_EVENT_COUNT) {
            reader->at += left;
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

size_t ct_ring_reader_take(struct ct_ring_reader *reader,
                           uint64_t bytes[CT_RING_RECORD_MAX / sizeof(uint64_t)])
{
    uint64_t offset = reader->at % reader->size + sizeof(reader->record);
    size_t size = reader->record.size - sizeof(reader->record);

    ct_board_map_copy(reader->map, reader->ring_at + sizeof(struct ct_board_ring) + offset, bytes,
                      size);
    reader->at += reader->record.size;
    return size;
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
