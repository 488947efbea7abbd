#include "slots.h"

#include "preload/core/board.h"
#include "preload/core/maximum.h"
#include "preload/core/storage.h"

#define GROUP_SIZE  64
#define GROUP_COUNT (CT_BOARD_MAX_THREADS / GROUP_SIZE + 1)

/* A bit for each slot. */
struct group {
    _Atomic uint64_t taken;
    _Atomic uint64_t backed;
};

/* Most processes need the first one only. */
static struct group first_group;
static CT_LARGE struct group other_groups[GROUP_COUNT - 1];

/* Groups at and above were never used. */
static _Atomic uint32_t group_high_water;

static struct group *group_at(uint32_t index)
{
    return index == 0 ? &first_group : &other_groups[index - 1];
}

static struct group *group_of(uint32_t slot)
{
    return group_at(slot / GROUP_SIZE);
}

static uint64_t bit_of(uint32_t slot)
{
    return UINT64_C(1) << slot % GROUP_SIZE;
}

void ct_slots_begin(void)
{
    for (uint32_t i = 0; i < atomic_load(&group_high_water); i++) {
        atomic_store(&group_at(i)->taken, 0);
        atomic_store(&group_at(i)->backed, 0);
    }
    atomic_store(&group_high_water, 0);
}

/* GROUP_SIZE: all of it are taken. */
static uint32_t take_of(struct group *group)
{
    uint64_t taken = atomic_load_explicit(&group->taken, memory_order_relaxed);

    while (~taken != 0) {
        uint32_t slot = (uint32_t)__builtin_ctzll(~taken);
        if (atomic_compare_exchange_weak(&group->taken, &taken, taken | bit_of(slot)))
            return slot;
    }
    return GROUP_SIZE;
}

uint32_t ct_slots_take(void)
{
    for (uint32_t i = 0; i < GROUP_COUNT; i++) {
        uint32_t within = take_of(group_at(i));
        uint32_t slot = i * GROUP_SIZE + within;
        if (within == GROUP_SIZE)
            continue;
        if (slot >= CT_BOARD_MAX_THREADS) {
            ct_slots_give_back(slot);
            break;
        }
        ct_maximum_raise(&group_high_water, i + 1);
        return slot;
    }
    return CT_BOARD_MAX_THREADS;
}

void ct_slots_note_backed(uint32_t index)
{
    atomic_fetch_or(&group_of(index)->backed, bit_of(index));
}

bool ct_slots_is_backed(uint32_t index)
{
    return (atomic_load(&group_of(index)->backed) & bit_of(index)) != 0;
}

void ct_slots_give_back(uint32_t index)
{
    atomic_fetch_and(&group_of(index)->taken, ~bit_of(index));
}
