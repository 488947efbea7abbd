/* The functions of a just-in-time compiler, as the process wrote them to /tmp/perf-PID.map. */
#ifndef CTRACE_JIT_MAP_H
#define CTRACE_JIT_MAP_H

#include <glib.h>
#include <stdint.h>

struct ct_jit_map;

/* NULL: there is none, or it cannot be read. */
struct ct_jit_map *ct_jit_map_open(const char *path);
void ct_jit_map_free(struct ct_jit_map *map);

/*
 * The function at `address`, or NULL. Code that was made over other code counts: of those that
 * begin at one place, the last. Borrowed; valid UTF-8.
 */
const char *ct_jit_map_find(const struct ct_jit_map *map, uint64_t address);

#endif
