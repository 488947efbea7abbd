/*
 * The tables of this process's board: where their parts are in memory. A part is mapped when its
 * first entry is needed; what was mapped stays where it is.
 */
#ifndef CTRACE_PRELOAD_CORE_TABLES_H
#define CTRACE_PRELOAD_CORE_TABLES_H

#include "board.h"

#include <stdbool.h>

/* Of each table the parts that are mapped; NULL: not yet, or never. */
extern _Atomic(char *) ct_table_parts[CT_TABLE_COUNT][1 + CT_TABLE_PARTS];

/* The entry, NULL if it was not mapped yet. */
static inline void *ct_table_find(enum ct_table table, uint32_t index)
{
    struct ct_table_place place = ct_table_place_of(table, index);

    if (place.part > ct_table_layouts[table].parts)
        return NULL;
    char *part = atomic_load_explicit(&ct_table_parts[table][place.part], memory_order_acquire);
    return part != NULL ? part + (size_t)place.within * ct_table_layouts[table].entry_size : NULL;
}

/* The entry, which is mapped if need be; NULL if it cannot be had. */
void *ct_table_get(enum ct_table table, uint32_t index);

/* A slot that is or was in use. */
static inline struct ct_board_slot *ct_slot_at(uint32_t index)
{
    return ct_table_find(CT_TABLE_SLOTS, index);
}

/* A stack that is on the board. */
static inline const struct ct_board_stack *ct_stack_at(uint32_t stack)
{
    return ct_table_find(CT_TABLE_WORDS, stack);
}

/* There is a new board, whose header is mapped; its file has so many bytes. */
void ct_tables_begin(struct ct_board *board, size_t file_size);

/* Unmaps all of the board but its header. */
void ct_tables_end(void);

/* The program has locked all of its memory: ours is not meant. */
void ct_tables_unlock(void);

/* May we take so much more of the address space? Where it is limited, most of it is the program's.
 */
bool ct_memory_is_spare(size_t size);

/*
 * Sees to it that stores to shared memory find a page there: where tmpfs is full, the first store
 * to a new one would kill the program. FALSE if there is none.
 */
bool ct_memory_back(const void *begin, size_t size);

#endif
