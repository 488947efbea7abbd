/*
 * A lane in a file: its blocks, ordered by where their records begin, and over them pages of
 * entries, up to a root. Each entry sums up what is below it. Blocks of all lanes are written as
 * they come, pages at the end; read a page at a time, each checked against the sum that the entry
 * above has of it.
 */
#ifndef CTRACE_STORE_TREE_H
#define CTRACE_STORE_TREE_H

#include "model/activity.h"
#include "store/bytes.h"
#include "store/record.h"

/* More pages one above the other than any file has room for. */
#define CT_TREE_LEVELS 12

/* Bytes of a block or page at most. */
#define CT_NODE_SIZE_MAX (UINT64_C(1) << 26)

/* A block (level 0) or page (level 1 and above) in the file. */
struct ct_entry {
    uint64_t offset;
    uint64_t size;
    uint32_t checksum;
    unsigned level;
    struct ct_summary summary;
};

/* ---- A file that is being written: one after the other, until the first error ---- */

struct ct_store_out {
    int fd; /* borrowed */
    uint64_t offset;
    struct ct_bytes held; /* owned; not yet in the file */
    int error;            /* errno; 0: none */
};

void ct_store_out_put(struct ct_store_out *out, const void *bytes, size_t size);
gboolean ct_store_out_flush(struct ct_store_out *out);
void ct_store_out_clear(struct ct_store_out *out);

uint32_t ct_store_checksum(const void *bytes, size_t size);

/* All of it, whatever is there meanwhile. FALSE: there is less. */
gboolean ct_store_read_at(int fd, void *bytes, size_t size, uint64_t offset);

/* ---- A tree that is being written ---- */

struct ct_tree_writer {
    struct ct_store_out *out;               /* borrowed */
    struct ct_activity *activity;           /* borrowed; of who reads the recording; or NULL */
    struct ct_entry *pages[CT_TREE_LEVELS]; /* owned; entries of level i, up to CT_PAGE_ENTRIES */
    size_t counts[CT_TREE_LEVELS];
};

void ct_tree_writer_init(struct ct_tree_writer *writer, struct ct_store_out *out);
void ct_tree_writer_clear(struct ct_tree_writer *writer);

/* Puts a block into the file, for a tree to have it. */
struct ct_entry ct_store_out_put_block(struct ct_store_out *out, const uint8_t *bytes, size_t size,
                                       const struct ct_summary *summary);

/* A block that is in the file. They come in order. */
void ct_tree_add_block(struct ct_tree_writer *writer, const struct ct_entry *block);

/* The root of what was added; of nothing, its count is 0. The writer is empty then. */
struct ct_entry ct_tree_finish(struct ct_tree_writer *writer);

void ct_entry_write(const struct ct_entry *entry, struct ct_bytes *bytes);
void ct_entry_read(struct ct_entry *entry, struct ct_bytes_input *input);

/* ---- A tree that is being read ---- */

/*
 * Who reads for one question. Each block and page has bytes of its own and is read once, so that no
 * question takes more than the file has: one that does is asked of a file made to have no end.
 */
struct ct_tree_reader {
    int fd;        /* borrowed */
    uint64_t left; /* bytes that it may still read; at first the file's size */
};

/* The bytes of an entry's block or page; NULL if they are not what was written. Free them with
 * g_free(). */
uint8_t *ct_entry_load(struct ct_tree_reader *reader, const struct ct_entry *entry);

/* The entries of a page; NULL if it is none. Free them with g_free(). */
struct ct_entry *ct_page_load(struct ct_tree_reader *reader, const struct ct_entry *entry,
                              size_t *count);

#endif
