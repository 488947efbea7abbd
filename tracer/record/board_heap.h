/* What a board tells of its program's heap, as events. */
#ifndef CTRACE_RECORD_BOARD_HEAP_H
#define CTRACE_RECORD_BOARD_HEAP_H

#include "closed_board.h"

/* Nothing, where the heap was not recorded. */
void ct_board_heap_write(const struct ct_closed_board *board);

#endif
