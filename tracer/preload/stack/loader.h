/*
 * What the loader has loaded, without its lock: the program may hold that one, in a callback of
 * dl_iterate_phdr, while it waits for a thread that is in a hook of ours. Its table is read by the
 * C library's _dl_find_object, which has none; what it names is kept in memory by who reads it, by
 * being counted here: our hook of dlclose waits for those, who are never long.
 */
#ifndef CTRACE_PRELOAD_STACK_LOADER_H
#define CTRACE_PRELOAD_STACK_LOADER_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How many calls of dlclose are under way, in the low bits, and how often it was found that
 * something is gone. While this is what it was, and none is under way, all that is known of the
 * code at an address still holds.
 */
#define CT_UNLOADS_UNDER_WAY UINT32_C(0xfff)
#define CT_UNLOAD            (CT_UNLOADS_UNDER_WAY + 1)

extern _Atomic uint32_t ct_unloads;

/*
 * The calling thread reads an object from here on. `is_live`: code of it is on the thread's stack,
 * so that it will stay; else FALSE while another thread's dlclose is under way.
 */
bool ct_loader_enter(bool is_live);
void ct_loader_leave(void);

/*
 * The object that has the address; FALSE if there is none, if it has no program headers where
 * linkers put them, or if the C library is older than 2.35. The caller has entered, and what is
 * found is there until it leaves.
 */
bool ct_loader_find(uint64_t address, struct dl_phdr_info *info);

/* The calling thread is about to unload something, and has done so. */
void ct_loader_begin_unload(void);
void ct_loader_end_unload(void);

/* Once per process image. */
void ct_loader_init(void);

/* In the child of a fork: the others stayed behind. */
void ct_loader_forked(void);

#endif
