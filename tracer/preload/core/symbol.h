/*
 * Functions and variables of the libraries that the program began with, by name: as dlsym finds
 * them, but by a walk over their own tables. That takes no lock and no memory, so it works in a
 * signal handler, and a process pays for the names that it needs.
 */
#ifndef CTRACE_PRELOAD_CORE_SYMBOL_H
#define CTRACE_PRELOAD_CORE_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

/* Libraries that are loaded from now on do not count. */
void ct_symbol_init(void);

/*
 * What the name stands for in the first library after ours that has it: at that version, if it is
 * there and has one, else at the default one. NULL: there is none.
 */
void *ct_symbol_next(const char *name, const char *version);

/* The same at the default version, but for the one at `own`: the library that has it may come after
 * ours, too. */
void *ct_symbol_next_but(const char *name, const void *own);

/* The C library's own, whoever else interposes it. */
void *ct_symbol_in_libc(const char *name);

/* That of the program, or of any library. */
void *ct_symbol_anywhere(const char *name);

/* That of the program, or of a library whose file's name has `part` in it; `*size`, which may be
 * NULL, is of what it stands for. */
void *ct_symbol_in(const char *part, const char *name, uint64_t *size);

/* The one that has this address, of those that the program began with. Only to be compared. */
const void *ct_symbol_library(const void *address);

/* The loader does not find these functions of a library any more; who has found them already goes
 * on with them. The library has a table of the older form, too (--hash-style=both). */
void ct_symbol_hide(const void *const *functions, size_t count);

#endif
