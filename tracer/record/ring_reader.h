/*
 * Reads the rings of events of a mapped board, which its program goes on writing to.
 */
#ifndef CTRACE_RECORD_RING_READER_H
#define CTRACE_RECORD_RING_READER_H

#include "board_map.h"

/* So much of a ring is copied at once. */
#define CT_RING_CHUNK 1024

/* Where one is read. It is to be given up before the board grows. */
struct ct_ring_reader {
    const struct ct_board_map *map;
    size_t ring_at;               /* where in it the ring is */
    uint32_t size;                /* bytes of records in it */
    uint64_t epoch;               /* of the positions; their high bits */
    uint64_t at;                  /* position of the record that is next */
    uint64_t wrap_at;             /* position behind the last one before the ring's bytes end */
    uint64_t head;                /* position behind the last one */
    uint64_t given;               /* epoch and position up to which the thread may write again */
    struct ct_ring_record record; /* the next one's header; its size was checked */
    uint64_t *chunk;   /* borrowed, CT_RING_CHUNK bytes; a copy of some, that nobody changes */
    uint64_t chunk_at; /* their position */
    uint32_t chunk_size;
};

/* A slot's rings, the small one first: how many there are. */
#define CT_SLOT_RINGS 2
uint32_t ct_ring_readers_of(const struct ct_board_map *map, uint32_t slot,
                            struct ct_ring_reader readers[CT_SLOT_RINGS]);

/* Finds the next record, with a chunk. FALSE at the end. What makes no sense is passed over. */
gboolean ct_ring_reader_find(struct ct_ring_reader *reader);

/*
 * The event of the record that was found, of *size bytes: a copy, in the reader or, of a large one,
 * in `bytes`. Goes on behind it; ct_ring_reader_find is what changes the copy.
 */
const uint8_t *ct_ring_reader_take(struct ct_ring_reader *reader,
                                   uint64_t bytes[CT_RING_RECORD_MAX / sizeof(uint64_t)],
                                   size_t *size);

/* What was read may be written over. */
void ct_ring_reader_give_room(struct ct_ring_reader *reader);

#endif
