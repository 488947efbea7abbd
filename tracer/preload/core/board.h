/* This process's board, the recording's control page, and whether this memory is still ours. */
#ifndef CTRACE_PRELOAD_CORE_BOARD_H
#define CTRACE_PRELOAD_CORE_BOARD_H

#include "schema/board.h"

#include <stdbool.h>

/* Both NULL while nothing is recorded; set together, the board first. */
extern struct ct_board *ct_board;
extern const struct ct_control *ct_control;

/*
 * Points to zero in a child that was forked behind our back, and once the process has ended for us:
 * from then on nothing is recorded, and what its threads still do stays on the board as it is.
 */
extern const uint32_t *ct_is_ours;

/* So many counts of waiters: see waiters.h. */
#define CT_WAITER_TABLE 4096

/*
 * What a child of fork, also of one behind our back, is to find empty: the waiters stayed behind,
 * and the board is its parent's. The kernel sees to it, if it can.
 */
extern struct ct_wiped {
    _Alignas(4096) _Atomic uint32_t waiters[CT_WAITER_TABLE];
    uint32_t is_ours;
} ct_wiped;

/* There is a new board, of this process. */
void ct_wiped_begin(void);

/* In the child of fork: empties it where the kernel has not. */
void ct_wiped_forked(void);

/* False in the child of vfork, which runs in its parent's memory, and where ct_is_ours says so. */
bool ct_process_is_own(void);

/* From here on hooks only pass on: ct_is_ours points to zero. */
void ct_process_leave(void);

/* True from then on. */
bool ct_process_is_over(void);

#endif
