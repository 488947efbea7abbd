/*
 * Where things are on a mapped board, and copies of them that nobody has checked: for what checks
 * them, board_map.c and ring_reader.c.
 */
#ifndef CTRACE_RECORD_BOARD_PLACES_H
#define CTRACE_RECORD_BOARD_PLACES_H

#include "board_map.h"

/* Where an entry is; beyond any mapping if there is none. */
size_t ct_board_map_place(const struct ct_board_map *map, enum ct_table table, uint32_t index);

/* Of whole words. What is beyond the mapping reads as zeros. */
void ct_board_map_copy(const struct ct_board_map *map, size_t at, void *copied, size_t size);

void ct_board_map_store(const struct ct_board_map *map, size_t at, uint64_t value);

/* If it is `before`. */
gboolean ct_board_map_exchange(const struct ct_board_map *map, size_t at, uint64_t before,
                               uint64_t after);

#endif
