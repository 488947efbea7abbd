#include "ended_threads.h"

#include "preload/core/storage.h"

#include <stdatomic.h>

#define ENTRY_BITS 8

/* The kernel gives no higher ids. */
#define TID_BITS 22
#define TID_MASK ((UINT64_C(1) << TID_BITS) - 1)

/* The place of a handle is its own, so that the newest thread with a handle replaces older ones. An
 * entry is one word, so that nobody reads half of one. */
static CT_LARGE _Atomic uint64_t entries[1 << ENTRY_BITS];

/* All of the handle that fits: handles are aligned, and the highest bits of addresses are alike. */
static uint64_t key_of(uint64_t handle)
{
    return handle >> 4 << TID_BITS;
}

static _Atomic uint64_t *entry_of(uint64_t handle)
{
    return &entries[(handle >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - ENTRY_BITS)];
}

void ct_ended_thread_note(uint64_t handle, int32_t tid)
{
    atomic_store_explicit(entry_of(handle), key_of(handle) | ((uint64_t)tid & TID_MASK),
                          memory_order_relaxed);
}

int32_t ct_ended_thread_tid(uint64_t handle)
{
    uint64_t entry = atomic_load_explicit(entry_of(handle), memory_order_relaxed);

    return (entry & ~TID_MASK) == key_of(handle) ? (int32_t)(entry & TID_MASK) : 0;
}
