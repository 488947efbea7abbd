/*
 * A run of a lane's blocks, in order, while a store is made. What is in each block is written
 * aside, some blocks at a time, and read back in the same order once all are there.
 */
#ifndef CTRACE_STORE_BLOCK_RUN_H
#define CTRACE_STORE_BLOCK_RUN_H

#include "store/tree.h"

/* Empty at first. */
struct ct_block_run {
    uint64_t first; /* where its pieces are aside; 0: there are none */
    uint64_t last;
    uint64_t last_begin_ns;
    struct ct_bytes held; /* owned; of the next piece */
};

void ct_block_run_add(struct ct_block_run *run, struct ct_store_out *aside,
                      const struct ct_entry *block);
/* Holds nothing then. */
void ct_block_run_flush(struct ct_block_run *run, struct ct_store_out *aside);
void ct_block_run_clear(struct ct_block_run *run);

struct ct_block_run_reader {
    uint64_t next;               /* piece; 0: none */
    uint8_t *piece;              /* owned; or NULL */
    struct ct_bytes_input input; /* of it */
};

/* The run and the file are flushed. */
void ct_block_run_reader_init(struct ct_block_run_reader *reader, const struct ct_block_run *run);
/* FALSE: there are no more, or they cannot be read, which the file's error says. */
gboolean ct_block_run_next(struct ct_block_run_reader *reader, struct ct_store_out *aside,
                           struct ct_entry *block);
void ct_block_run_reader_clear(struct ct_block_run_reader *reader);

#endif
