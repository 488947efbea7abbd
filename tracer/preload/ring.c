#include "ring.h"

#include "process.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MEMORY_PAGE ((uintptr_t)4096)

/* As much of a new ring has memory from the beginning. */
#define BACKED_AT_FIRST 16384

static _Atomic(struct ct_board_ring *) chunks[CT_RING_CHUNKS];
static unsigned chunk_count;

bool ct_memory_back(const void *begin, size_t size)
{
    uintptr_t first = (uintptr_t)begin & ~(MEMORY_PAGE - 1);
    uintptr_t end = ((uintptr_t)begin + size + MEMORY_PAGE - 1) & ~(MEMORY_PAGE - 1);

    /* Kernels before 5.14 do not know it: EINVAL. */
    return madvise((void *)first, end - first, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

void ct_rings_init(void *rings, size_t file_size)
{
    chunk_count = (unsigned)((file_size - CT_RINGS_OFFSET) / CT_CHUNK_SIZE);
    atomic_store(&chunks[0], rings);
}

void ct_rings_clear(void)
{
    for (unsigned i = 1; i < chunk_count; i++) {
        struct ct_board_ring *rings = atomic_exchange(&chunks[i], NULL);
        if (rings != NULL)
            munmap(rings, CT_CHUNK_SIZE);
    }
    chunk_count = 0;
}

/* From the first chunk's mapping, since the file may be out of our reach by now. */
static struct ct_board_ring *map_chunk(unsigned index)
{
    struct ct_board_ring *mapped = NULL;
    size_t before = index * CT_CHUNK_SIZE;
    char *all = mremap(atomic_load(&chunks[0]), 0, before + CT_CHUNK_SIZE, MREMAP_MAYMOVE);

    if (all == MAP_FAILED)
        return NULL;
    munmap(all, before);
    madvise(all + before, CT_CHUNK_SIZE, MADV_DONTDUMP);
    if (atomic_compare_exchange_strong(&chunks[index], &mapped, (void *)(all + before)))
        return (void *)(all + before);
    munmap(all + before, CT_CHUNK_SIZE); /* another thread was faster */
    return mapped;
}

struct ct_board_ring *ct_ring_prepare(uint32_t slot)
{
    unsigned index = slot / CT_RINGS_AT_ONCE;
    struct ct_board_ring *rings;

    if (index >= chunk_count)
        return NULL;
    rings = atomic_load(&chunks[index]);
    if (rings == NULL && (rings = map_chunk(index)) == NULL)
        return NULL;
    struct ct_board_ring *ring = &rings[slot % CT_RINGS_AT_ONCE];
    if (!ct_memory_back(ring, BACKED_AT_FIRST))
        return NULL;
    if (ring->backed == 0)
        ring->backed = BACKED_AT_FIRST - CT_RING_HEADER_SIZE;
    return ring;
}
