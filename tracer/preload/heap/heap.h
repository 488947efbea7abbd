/*
 * The heap of the program, for the library that hooks its allocator: all that such a hook needs of
 * this one, and nothing that calls an allocator or takes a lock. What is here is exported.
 */
#ifndef CTRACE_PRELOAD_HEAP_HEAP_H
#define CTRACE_PRELOAD_HEAP_HEAP_H

#include "schema/heap.h"

#include <stdbool.h>
#include <stddef.h>

/* As rates: no block is to be taken, as nothing has begun, for now, or for good. */
#define CT_HEAP_NOT_YET (UINT64_MAX - 2)
#define CT_HEAP_NOT_NOW (UINT64_MAX - 1)
#define CT_HEAP_NEVER   UINT64_MAX

/* A block that is to be taken. */
struct ct_heap_sample {
    uint64_t address;
    uint64_t size;
    uint32_t shift;   /* of the rate by which it was chosen */
    const void *site; /* where the hook returns to */
};

/* A block that was taken, so that it can be put back where it was. */
struct ct_heap_block {
    uint64_t address;
    struct ct_board_heap_block block;
};

/* The program's allocator has this function: the next one of the name, after the hook that is its
 * `own`. NULL: it has none. */
void *ct_heap_find_next(const char *name, const void *own);

/* Are both addresses in one library? */
bool ct_heap_is_of_one_library(const void *a, const void *b);

/* The code at `site` is neither the allocator's nor ctrace's. */
bool ct_heap_is_of_program(const void *site, const void *allocator);

/* The loader does not find these functions any more, which are all of the caller's library. */
void ct_heap_hide_hooks(const void *const *hooks, size_t count);

struct ct_heap_hooks {
    const void *allocator; /* the next malloc */
    const void *hook;      /* of malloc */
    const void *code_begin, *code_end;
};

/* The hooks are there. FALSE: the program does not call them, since it has an allocator in its own
 * file, which comes before all libraries. */
bool ct_heap_begin_hooks(const struct ct_heap_hooks *hooks);

/* Mean bytes from one sample to the next, as it is now; 0: all are taken. */
uint64_t ct_heap_find_rate(uint32_t *shift);

/* A block that could not be taken, since nothing is recorded yet. */
void ct_heap_note_early(void);

/* TRUE: it counts as live, and ct_heap_free() is to be called before it is freed. */
bool ct_heap_allocate(const struct ct_heap_sample *sample);

/* Takes the block out before it is freed: another one may be there from then on. FALSE: it is none
 * of those. */
bool ct_heap_take_out(uint64_t address, struct ct_heap_block *block);

/* It was freed. */
void ct_heap_free(const struct ct_heap_block *block);

/* It could not be freed after all. FALSE: there is no room for it any more. */
bool ct_heap_put_back(const struct ct_heap_block *block);

#endif
