/*
 * Memory that the program names in its calls: where the call would fail with EFAULT, or not look at
 * all, a hook must not crash. What is asked here may be looked at until the program unmaps it.
 */
#ifndef CTRACE_PRELOAD_CORE_MEMORY_H
#define CTRACE_PRELOAD_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many of the `size` bytes at `address` can be read, up to the first that cannot. */
size_t ct_memory_readable(const void *address, size_t size);

static inline bool ct_memory_is_readable(const void *address, size_t size)
{
    return ct_memory_readable(address, size) == size;
}

/*
 * Copies what is at the address, however soon another thread may unmap it; the size does not reach
 * beyond a page. FALSE if it cannot be read, or not so: under a filter of system calls of somebody
 * else, who may kill for process_vm_readv.
 */
bool ct_memory_copy(uint64_t address, void *copy, size_t size);

/* The process has begun under a filter that may kill it for a system call that is not usual. */
bool ct_calls_are_filtered(void);

/*
 * The same, of any size, also under such a filter: there it is asked whether it can be read, and
 * then copied, which is no help against who unmaps it meanwhile. For what the thread itself has in
 * use.
 */
bool ct_memory_take(uint64_t address, void *copy, size_t size);

/* Pieces of memory, as many as that at once. */
#define CT_MEMORY_PIECES 16

struct ct_memory_piece {
    uint64_t address;
    void *copy;
    size_t size;
};

/* Takes all of them. FALSE: one of them cannot be read. */
bool ct_memory_gather(const struct ct_memory_piece *pieces, size_t count);

/*
 * Can the whole of this string be read, and is it shorter than `size`? `*known_page` is for a row
 * of strings that are close together: at first 0, it is the page that was found readable last.
 */
bool ct_memory_is_string(const char *text, size_t size, uintptr_t *known_page);

#endif
