/* Records -> the bytes of a block, and back. In a block they stand in the order in which they came.
 */
#ifndef CTRACE_STORE_BLOCK_H
#define CTRACE_STORE_BLOCK_H

#include "store/bytes.h"
#include "store/record.h"

/*
 * Appends a block of `count` records, 1 to CT_BLOCK_RECORDS, and says what is in it. Attributes and
 * strings that are the same must be at the same place.
 */
void ct_block_write(enum ct_lane_kind kind, const struct ct_store_record *records, size_t count,
                    struct ct_bytes *bytes, struct ct_summary *summary);

/* A block that is being read. */
struct ct_block {
    enum ct_lane_kind kind;
    struct ct_bytes_input input; /* borrows the bytes */
    uint64_t left;               /* records to come */
    uint64_t begin_ns;           /* of the last one, as are the next two */
    uint64_t sequence;
    uint64_t running[CT_LOOSE_MAX];
    struct ct_attribute *attributes; /* owned */
    size_t attribute_count;
    const char **strings; /* owned; they are in the bytes */
    size_t string_count;
};

void ct_block_open(struct ct_block *block, enum ct_lane_kind kind, const uint8_t *bytes,
                   size_t size);
void ct_block_close(struct ct_block *block);

/* The next one, whose attribute is there until the next is asked for. FALSE: there is none; or the
 * block is no block, as its input says then. */
gboolean ct_block_next(struct ct_block *block, struct ct_store_record *record);

/* All that are left, by where they begin; returns how many. They are there until it is closed. */
size_t ct_block_load(struct ct_block *block, struct ct_store_record records[CT_BLOCK_RECORDS]);

/* By where they begin, then as they came; and only as they came. */
void ct_records_sort(struct ct_store_record *records, size_t count);
void ct_records_sort_by_sequence(struct ct_store_record *records, size_t count);

#endif
