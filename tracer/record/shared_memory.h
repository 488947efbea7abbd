/*
 * Memory that is shared with the traced programs, and the only code of the recorder that touches
 * it. A program may write to it at any moment, or cut its file short: so it is never pointed into,
 * but copied, each word once, and what is checked and used is the copy.
 */
#ifndef CTRACE_RECORD_SHARED_MEMORY_H
#define CTRACE_RECORD_SHARED_MEMORY_H

#include <glib.h>
#include <stdint.h>

struct ct_shared_memory;

/* The first `size` bytes of an open file, which may be closed then. NULL, and errno. */
struct ct_shared_memory *ct_shared_memory_map(int fd, size_t size);
void ct_shared_memory_unmap(struct ct_shared_memory *memory);

/* All of those: struct ct_shared_memory *. What is side by side goes in one piece: each piece is
 * a word with every CPU that we run on, one of which has the traced program by then. */
void ct_shared_memory_unmap_all(GPtrArray *memories);

/* More of the file. */
gboolean ct_shared_memory_grow(struct ct_shared_memory *memory, size_t size);

size_t ct_shared_memory_size(const struct ct_shared_memory *memory);

/*
 * `at` and `size` are multiples of 8; words are copied in their order, and none is older than the
 * one before it. Without memory behind it, or beyond the end, it is zeros.
 */
void ct_shared_memory_copy(struct ct_shared_memory *memory, size_t at, void *copy, size_t size);

/* One word, after all that was copied or stored before. */
void ct_shared_memory_store(struct ct_shared_memory *memory, size_t at, uint64_t word);

/* The same, if it is `before`. */
gboolean ct_shared_memory_exchange(struct ct_shared_memory *memory, size_t at, uint64_t before,
                                   uint64_t after);

/* Some of it was not behind the mapping when it was touched. */
gboolean ct_shared_memory_is_broken(const struct ct_shared_memory *memory);

/* Maps the file there once more. FALSE if it is too short now. */
gboolean ct_shared_memory_mend(struct ct_shared_memory *memory, int fd);

/*
 * Where the memory is a struct ct_doorbell. What it says is a hint: programs may ring at any time,
 * or keep it from being heard.
 */
uint32_t ct_shared_memory_rung(struct ct_shared_memory *memory);
void ct_shared_memory_ring(struct ct_shared_memory *memory);

/* How many images say that they have no board, since we had not run for long. */
uint64_t ct_shared_memory_deserted(struct ct_shared_memory *memory);

/* Until it has been rung since it said `rung`, or so much time is over; FALSE: it was the time. */
gboolean ct_shared_memory_await_ring(struct ct_shared_memory *memory, uint32_t rung,
                                     long duration_ns);

#endif
