/*
 * An input as the records of a trace: what they say is the input's, their form is sound. Small
 * numbers are likely, so that records speak of the same threads, stacks and moments.
 */
#ifndef CTRACE_FUZZ_RECORDS_H
#define CTRACE_FUZZ_RECORDS_H

#include "fuzz.h"
#include "source/record.h"

/* Where times begin. */
#define FUZZ_BEGIN_NS UINT64_C(1000000000)

struct fuzz_records {
    struct fuzz_input input;
    uint64_t now_ns;
    char texts[8][64];
    unsigned text_count;
    uint64_t sequence[CT_SEQUENCE_LENGTH_MAX];
};

void fuzz_records_begin(struct fuzz_records *records, const uint8_t *data, size_t size);

/* FALSE at the end. Strings and sequences are valid until the next one. Times do not go back. */
gboolean fuzz_records_next(struct fuzz_records *records, struct ct_record *record);

#endif
