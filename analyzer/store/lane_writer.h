/*
 * A lane while the recording is read. Its records come about in order of their begin, but not
 * quite: some are held back and put in order, then written as blocks of runs, each in order; most
 * lanes have one run. What is in each block is written aside. Once all are there, the runs become
 * the lane's tree: where they overlap, of new blocks.
 */
#ifndef CTRACE_STORE_LANE_WRITER_H
#define CTRACE_STORE_LANE_WRITER_H

#include "store/block_run.h"
#include "store/pending.h"

/* Where lanes are written to. */
struct ct_lane_files {
    struct ct_store_out out;   /* blocks */
    struct ct_store_out aside; /* what is in them */
};

struct ct_lane_writer {
    enum ct_lane_kind kind;
    uint64_t subject;          /* number of the thread or object, or the CPU */
    uint64_t count;            /* records that came */
    struct ct_pending pending; /* owned; not yet written */
    GArray *runs;              /* owned; struct ct_block_run; or NULL: none yet */
    /* Borrowed; two of its last records', or NULL: most are the same again. */
    const struct ct_attribute *recent[2];
};

struct ct_lane_writer *ct_lane_writer_new(enum ct_lane_kind kind, uint64_t subject);
void ct_lane_writer_free(struct ct_lane_writer *lane);

/* Attribute and strings must stay until the lane is flushed. Returns how many records it holds back
 * more than before: fewer, if it wrote some. */
ptrdiff_t ct_lane_writer_add(struct ct_lane_writer *lane, struct ct_lane_files *files,
                             const struct ct_store_record *record);

/* Writes all. Returns how many it held back. */
size_t ct_lane_writer_flush(struct ct_lane_writer *lane, struct ct_lane_files *files);

/* All its records, in order, as a tree in the file of its blocks. */
struct ct_entry ct_lane_writer_finish(struct ct_lane_writer *lane, struct ct_lane_files *files,
                                      struct ct_tree_writer *tree);

#endif
