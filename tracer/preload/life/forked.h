/*
 * A child of fork that has no board: what it does is noted on its parent's, as schema/board.h says.
 * All of it is plain memory, mapped before the fork.
 */
#ifndef CTRACE_PRELOAD_LIFE_FORKED_H
#define CTRACE_PRELOAD_LIFE_FORKED_H

#include "schema/board.h"
#include "schema/obstacles.h"

#include <stdbool.h>

/* In the parent, before the fork: NULL if there is no room for another child. */
struct ct_board_forked *ct_forked_claim(struct ct_board *board);

/* There is no child after all. */
void ct_forked_release(struct ct_board_forked *forked);

/* In the child. False if it cannot be told of here. */
bool ct_forked_begin(struct ct_board_forked *forked);

/* Its main thread has the name that the kernel has now. */
void ct_forked_rename(struct ct_board_forked *forked);

/* Around exec of `path`, as ct_process_exec_begin says. False if the path is too long for here. */
bool ct_forked_exec(struct ct_board_forked *forked, const char *path, const char *name,
                    enum ct_obstacle obstacle);
void ct_forked_exec_failed(struct ct_board_forked *forked);

/* The first time counts. */
void ct_forked_exit(struct ct_board_forked *forked, int status);

/*
 * A board of its own is made. False: by another thread. *is_told: the recorder has told of its
 * start, which the board is not to do once more. Unless it stays, the recorder sees to the rest.
 */
bool ct_forked_move(struct ct_board_forked *forked, bool *is_told);

/* None was to be had. */
void ct_forked_stay(struct ct_board_forked *forked);

#endif
