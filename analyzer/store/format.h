/*
 * A store's file: a header, the blocks of all lanes, what the model says, the lanes' trees over
 * their blocks, a directory of the lanes. Whoever reads it trusts none of it: each piece is read by
 * itself and held against its checksum, and what it says is checked again.
 */
#ifndef CTRACE_STORE_FORMAT_H
#define CTRACE_STORE_FORMAT_H

#include <stdint.h>

#define CT_STORE_MAGIC      "ctstore"
#define CT_STORE_MAGIC_SIZE 8

/* Another one for whatever changes what the bytes mean, or what is made of a trace. */
#define CT_STORE_VERSION 11

#define CT_STORE_KEY_SIZE 32

/* How the file of the symbols that were found begins, and its version. */
#define CT_SYMBOLS_MAGIC      "ctsymbo"
#define CT_SYMBOLS_MAGIC_SIZE 8
#define CT_SYMBOLS_VERSION    1

struct ct_store_piece {
    uint64_t offset;
    uint64_t size;
    uint32_t checksum;
    uint32_t reserved;
};

struct ct_store_header {
    char magic[CT_STORE_MAGIC_SIZE];
    uint32_t version;  /* as this machine writes numbers: on another kind it is another version */
    uint32_t checksum; /* of the header, with 0 here */
    uint8_t key[CT_STORE_KEY_SIZE]; /* what it was made of */
    uint64_t record_count;          /* intervals, runs and samples */
    struct ct_store_piece model;
    struct ct_store_piece directory;
};
_Static_assert(sizeof(struct ct_store_header) == 104, "it has no holes");

#endif
