/*
 * Which slots of the board this process's threads have. It is known here, and not looked for on the
 * board: a slot has pages of its own, and with thousands of threads each new one would read as
 * many.
 */
#ifndef CTRACE_PRELOAD_LIFE_SLOTS_H
#define CTRACE_PRELOAD_LIFE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

/* There is a new board, of which none is taken. */
void ct_slots_begin(void);

/* Takes the first free one. CT_BOARD_MAX_THREADS: there is none. */
uint32_t ct_slots_take(void);

/* The slot, which the caller has taken, has memory from now on; or had before. */
void ct_slots_note_backed(uint32_t index);
bool ct_slots_is_backed(uint32_t index);

void ct_slots_give_back(uint32_t index);

#endif
