/* The live blocks that were taken, on the board. */
#ifndef CTRACE_PRELOAD_HEAP_BLOCKS_H
#define CTRACE_PRELOAD_HEAP_BLOCKS_H

#include "heap.h"

/* FALSE: there is no room. */
bool ct_heap_blocks_add(const struct ct_heap_block *block);

/* FALSE: there is none at that address. */
bool ct_heap_blocks_remove(uint64_t address, struct ct_heap_block *removed);

/* Visits all that there are. */
void ct_heap_blocks_visit(void (*visit)(void *user, const struct ct_heap_block *block), void *user);

/* There is room for so many at most. */
uint64_t ct_heap_blocks_room(void);

#endif
