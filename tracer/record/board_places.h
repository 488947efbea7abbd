/*
 * Where things are on a mapped board, and copies of them that nobody has checked: for what checks
 * them, board_map.c, board_content.c and ring_reader.c.
 */
#ifndef CTRACE_RECORD_BOARD_PLACES_H
#define CTRACE_RECORD_BOARD_PLACES_H

#include "board_map.h"

#include <string.h>

/* The program read its clock a moment before or after we read ours. */
#define CT_BOARD_CLOCK_SLACK_NS UINT64_C(1000000000)

/* The numbers at the head of it, and one of them. */
#define CT_BOARD_NUMBERS_SIZE offsetof(struct ct_board, exe)

static inline uint64_t ct_number_u64(const char numbers[CT_BOARD_NUMBERS_SIZE], size_t at)
{
    uint64_t number;

    memcpy(&number, numbers + at, sizeof(number));
    return number;
}

static inline uint32_t ct_number_u32(const char numbers[CT_BOARD_NUMBERS_SIZE], size_t at)
{
    uint32_t number;

    memcpy(&number, numbers + at, sizeof(number));
    return number;
}

#define CT_U64(numbers, name) ct_number_u64(numbers, offsetof(struct ct_board, name))
#define CT_U32(numbers, name) ct_number_u32(numbers, offsetof(struct ct_board, name))

/* Where an entry is; beyond any mapping if there is none. */
size_t ct_board_map_place(const struct ct_board_map *map, enum ct_table table, uint32_t index);

/* Of whole words. What is beyond the mapping reads as zeros. */
void ct_board_map_copy(const struct ct_board_map *map, size_t at, void *copied, size_t size);

void ct_board_map_store(const struct ct_board_map *map, size_t at, uint64_t value);

/* If it is `before`. */
gboolean ct_board_map_exchange(const struct ct_board_map *map, size_t at, uint64_t before,
                               uint64_t after);

#endif
