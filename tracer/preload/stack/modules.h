/*
 * The program's libraries: those that are loaded, written to the board, and whether any was
 * unloaded. A library may come to stand where another stood: from then on the same addresses are
 * other code, and the same return addresses another stack.
 */
#ifndef CTRACE_PRELOAD_STACK_MODULES_H
#define CTRACE_PRELOAD_STACK_MODULES_H

#include "preload/core/self.h"

/* So many modules of a new board have memory behind them. */
#define CT_MODULES_BACKED_AT_FIRST 8

/*
 * Writes to the board the modules of these return addresses that are new. No lock of the loader is
 * taken, here as anywhere in a hook: see loader.h. `is_live`: the addresses are of calls that are
 * under way for sure. The caller's thread is busy, as for all that follows.
 */
void ct_modules_note(const uint64_t *addresses, uint32_t count, bool is_live);

/* Something was unloaded: writes to the board which modules are gone. */
void ct_modules_update(void);

/* There was no telling that then: whoever takes a stack is to try again. */
extern _Atomic bool ct_modules_are_behind;

/* Counts up each time that modules were found gone. */
uint32_t ct_modules_generation(void);

/* There is a new board: writes to it what is loaded. By the loader's lock, which no thread holds
 * for ever before the program's main has begun. */
void ct_modules_begin(void);

/* The same for a process that was forked by that of `parent`, or by one that has no board (NULL):
 * what the forking process knew of and is still there. */
void ct_modules_inherit(const struct ct_board *parent);

/* Tells stacks of the same return addresses apart where modules took turns: 0 if their code is in
 * no such one, else by which ones are loaded. */
uint64_t ct_modules_sign(const uint64_t *addresses, uint32_t count);

#endif
