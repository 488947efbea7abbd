/* The numbers and pointers of unwind tables, which are read up to their ends, whatever they say. */
#ifndef CTRACE_PRELOAD_STACK_CFI_BYTES_H
#define CTRACE_PRELOAD_STACK_CFI_BYTES_H

#include <stdbool.h>
#include <stdint.h>

struct ct_cfi_bytes {
    const uint8_t *at, *end;
};

/* Of so many bytes, at most 8; 0 if there are less. */
uint64_t ct_cfi_number(struct ct_cfi_bytes *bytes, unsigned size);

uint64_t ct_cfi_uleb(struct ct_cfi_bytes *bytes);
int64_t ct_cfi_sleb(struct ct_cfi_bytes *bytes);

/* The next so many, or what there is. */
struct ct_cfi_bytes ct_cfi_take(struct ct_cfi_bytes *bytes, uint64_t size);

/* FALSE if there is none, or in no way that linkers have for addresses of code. */
bool ct_cfi_pointer(struct ct_cfi_bytes *bytes, uint8_t encoding, uint64_t *value);

#endif
