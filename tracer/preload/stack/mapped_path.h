/* Which file is mapped at an address, as /proc says: for libraries loaded by a relative path. */
#ifndef CTRACE_PRELOAD_STACK_MAPPED_PATH_H
#define CTRACE_PRELOAD_STACK_MAPPED_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel knows which file it is, whatever the loader calls it and wherever the program has gone
 * since. False if there is no telling. */
bool ct_mapped_path_find(uint64_t address, char *path, size_t size);

#endif
