/* The calling thread's event ring on the board: its memory. What is written to it is emit.h's. */
#ifndef CTRACE_PRELOAD_RING_H
#define CTRACE_PRELOAD_RING_H

#include "schema/board.h"

#include <stdbool.h>

/* The board is mapped, with the first rings at `rings` and so many bytes of the file for all. */
void ct_rings_init(void *rings, size_t file_size);

/* Unmaps all rings but those that came with the board. */
void ct_rings_clear(void);

/* The ring of a thread slot, with memory for its first events; NULL if there is none left. */
struct ct_board_ring *ct_ring_prepare(uint32_t slot);

/*
 * Sees to it that stores to shared memory find a page there: where tmpfs is full, the first store
 * to a new one would kill the program. FALSE if there is none.
 */
bool ct_memory_back(const void *begin, size_t size);

#endif
