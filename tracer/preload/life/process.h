/* The traced process: its life from load to exec or exit. */
#ifndef CTRACE_PRELOAD_LIFE_PROCESS_H
#define CTRACE_PRELOAD_LIFE_PROCESS_H

#include "preload/core/board.h"
#include "preload/core/self.h"
#include "schema/obstacles.h"

#include <sys/types.h>

/* Maps the control page and makes this process's board; how it began, with these arguments, is for
 * the trace. */
void ct_process_init(char *const *arguments);

/* Around fork, in the parent: what its child is to be told of with, or NULL. */
struct ct_board_forked *ct_process_fork_begin(void);
void ct_process_fork_failed(struct ct_board_forked *claimed);

/* In the child: with that, until ct_self_settle; without it, a board of its own at once. */
void ct_process_forked(struct ct_board_forked *claimed);

/* The main thread of a child without a board may have another name. */
void ct_process_renamed(void);

/* In the parent, after fork. */
void ct_process_announce_fork(pid_t child);

/* The end, as the process itself sees it. Later calls pass. */
void ct_process_exit(int status);

/*
 * Around a call that may put the process under seccomp: our system calls are not the program's, and
 * its filter may kill it for them. The image's recording ends if the call was a success, and its
 * children have none. `when_ns` is what the first of these gave.
 */
uint64_t ct_process_filter_begin(void);
void ct_process_filter_end(uint64_t when_ns, bool has_filter);

/*
 * Around exec: mark the image as replaced, or take that back when exec failed. `name` is the next
 * image's ("": nothing is known of it), `obstacle` what keeps us out of it. What is to be taken
 * back is returned. In the child of vfork, it is noted on its parent's board.
 */
struct ct_board_unseen *ct_process_exec_begin(const char *path, const char *name,
                                              enum ct_obstacle obstacle);
void ct_process_exec_failed(struct ct_board_unseen *noted);

/* A child of posix_spawn is a program that we are not in. */
void ct_process_note_spawned(const char *name, enum ct_obstacle obstacle);

#endif
