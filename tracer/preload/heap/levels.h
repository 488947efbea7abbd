/* The hash tables of the heap, a level for each part of their table on the board. */
#ifndef CTRACE_PRELOAD_HEAP_LEVELS_H
#define CTRACE_PRELOAD_HEAP_LEVELS_H

#include "preload/core/tables.h"

static inline uint64_t ct_heap_hash(uint64_t key)
{
    key *= UINT64_C(0x9e3779b97f4a7c15);
    key ^= key >> 32;
    key *= UINT64_C(0xd6e8feb86659fd93);
    return key ^ key >> 32;
}

/* Where a level begins, and how many entries it has: a power of two. */
static inline uint32_t ct_heap_level(enum ct_table table, uint32_t level, uint32_t *count)
{
    uint32_t bits = ct_table_layouts[table].second_bits;

    *count = UINT32_C(1) << (bits + level);
    return *count - (UINT32_C(1) << bits);
}

/* With memory: what is mapped alone must not even be read, where the file system may be full. */
bool ct_heap_has_level(enum ct_table table, uint32_t level);

/* Sees to it that the level is there, with memory. */
bool ct_heap_open_level(enum ct_table table, uint32_t level);

/* There is a new board. */
void ct_heap_levels_begin(void);

#endif
