/*
 * A copy of a board as it is at one moment, while its program goes on: what each thread does, what
 * it has counted and what it has written agree. No thread waits for it.
 */
#ifndef CTRACE_RECORD_BOARD_COPY_H
#define CTRACE_RECORD_BOARD_COPY_H

#include "boards.h"

#include <glib.h>

struct ct_board_copy;

/* First of all boards, in a moment: what changes. While nobody fetches events; borrows the board.
 */
struct ct_board_copy *ct_board_copy_take(const struct ct_mapped_board *board);

/* Then, at any time: makes the copy, a file of the same name in that folder. Tables that only grow,
 * and what is live of the heap, are as they are by now. FALSE and errno. */
gboolean ct_board_copy_write(const struct ct_board_copy *copy, const char *folder);

/* How much memory that takes, in bytes. */
uint64_t ct_board_copy_size(const struct ct_board_copy *copy);

void ct_board_copy_free(struct ct_board_copy *copy);

#endif
