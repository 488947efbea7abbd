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

/* Writes to the board which modules are new and which are gone. The caller's thread is busy, as for
 * all that follows, and has the loader. */
void ct_modules_scan(void);

/* The same if the loader has loaded or unloaded something since. */
void ct_modules_update(void);

/* Counts up with each scan that found modules gone. */
uint32_t ct_modules_generation(void);

/* There is a new board, on which no modules are. */
void ct_modules_begin(void);

/* The same for a process that was forked by that of `parent`, if its modules are a few, and all
 * that there ever were: it looks at no object, each of which would be a page fault. FALSE if they
 * must be looked for. */
bool ct_modules_inherit(const struct ct_board *parent);

/* Tells stacks of the same return addresses apart where modules took turns: 0 if their code is in
 * no such one, else by which ones are loaded. */
uint64_t ct_modules_sign(const uint64_t *addresses, uint32_t count);

/*
 * How many calls of dlclose are under way, in the low bits, and how often it was found that
 * something is gone. While this is what it was, and none is under way, all that is known of the
 * code at an address still holds.
 */
#define CT_UNLOADS_UNDER_WAY UINT32_C(0xfff)
#define CT_UNLOAD            (CT_UNLOADS_UNDER_WAY + 1)

extern _Atomic uint32_t ct_unloads;

/* After a fork, in the child: calls of other threads will not end. */
void ct_modules_forked(void);

#endif
