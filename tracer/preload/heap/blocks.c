#include "blocks.h"

#include "levels.h"

static struct ct_board_heap_bucket *bucket_of(uint64_t hash, uint32_t level)
{
    uint32_t count;
    uint32_t begin = ct_heap_level(CT_TABLE_BLOCKS, level, &count);

    return ct_table_find(CT_TABLE_BLOCKS, begin + (uint32_t)(hash & (count - 1)));
}

static bool add_to(struct ct_board_heap_bucket *bucket, const struct ct_heap_block *block)
{
    for (uint32_t i = 0; i < CT_HEAP_BUCKET_BLOCKS; i++) {
        uint64_t address = atomic_load_explicit(&bucket->addresses[i], memory_order_relaxed);
        if (address != 0 ||
            !atomic_compare_exchange_strong(&bucket->addresses[i], &address, CT_HEAP_BLOCK_BEGUN))
            continue;
        bucket->blocks[i] = block->block;
        atomic_store_explicit(&bucket->addresses[i], block->address, memory_order_release);
        return true;
    }
    return false;
}

bool ct_heap_blocks_add(const struct ct_heap_block *block)
{
    uint64_t hash = ct_heap_hash(block->address);

    for (uint32_t level = 0; ct_heap_open_level(CT_TABLE_BLOCKS, level); level++) {
        struct ct_board_heap_bucket *bucket = bucket_of(hash, level);
        if (bucket != NULL && add_to(bucket, block))
            return true;
    }
    return false;
}

static bool remove_from(struct ct_board_heap_bucket *bucket, uint64_t address,
                        struct ct_heap_block *removed)
{
    for (uint32_t i = 0; i < CT_HEAP_BUCKET_BLOCKS; i++) {
        uint64_t found = atomic_load_explicit(&bucket->addresses[i], memory_order_acquire);
        if (found != address)
            continue;
        *removed = (struct ct_heap_block){address, bucket->blocks[i]};
        /* A program that frees twice at once is told of once. */
        return atomic_compare_exchange_strong(&bucket->addresses[i], &found, 0);
    }
    return false;
}

bool ct_heap_blocks_remove(uint64_t address, struct ct_heap_block *removed)
{
    uint64_t hash = ct_heap_hash(address);

    for (uint32_t level = 0; ct_heap_has_level(CT_TABLE_BLOCKS, level); level++) {
        struct ct_board_heap_bucket *bucket = bucket_of(hash, level);
        if (bucket != NULL && remove_from(bucket, address, removed))
            return true;
    }
    return false;
}

void ct_heap_blocks_visit(void (*visit)(void *user, const struct ct_heap_block *block), void *user)
{
    for (uint32_t level = 0; ct_heap_has_level(CT_TABLE_BLOCKS, level); level++) {
        uint32_t count;
        uint32_t begin = ct_heap_level(CT_TABLE_BLOCKS, level, &count);
        struct ct_board_heap_bucket *buckets = ct_table_find(CT_TABLE_BLOCKS, begin);

        for (uint64_t i = 0; buckets != NULL && i < (uint64_t)count * CT_HEAP_BUCKET_BLOCKS; i++) {
            struct ct_board_heap_bucket *bucket = &buckets[i / CT_HEAP_BUCKET_BLOCKS];
            uint32_t at = (uint32_t)(i % CT_HEAP_BUCKET_BLOCKS);
            uint64_t address = atomic_load_explicit(&bucket->addresses[at], memory_order_acquire);
            const struct ct_heap_block block = {address, bucket->blocks[at]};
            if (address > CT_HEAP_BLOCK_BEGUN)
                visit(user, &block);
        }
    }
}

uint64_t ct_heap_blocks_room(void)
{
    uint64_t room = 0;
    uint32_t count;

    for (uint32_t level = 0; ct_heap_has_level(CT_TABLE_BLOCKS, level); level++) {
        ct_heap_level(CT_TABLE_BLOCKS, level, &count);
        room += (uint64_t)count * CT_HEAP_BUCKET_BLOCKS;
    }
    return room;
}
