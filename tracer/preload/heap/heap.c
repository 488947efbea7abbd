#include "heap.h"

#include "blocks.h"
#include "inherit.h"
#include "levels.h"
#include "preload/core/clock.h"
#include "preload/core/hook.h"
#include "preload/core/raw.h"
#include "preload/core/symbol.h"
#include "preload/stack/intern.h"
#include "preload/stack/loader.h"
#include "preload/stack/stack.h"
#include "rate.h"
#include "sites.h"

#include <errno.h>

/* The allocator that the program uses; 0: nobody hooks it, or not yet. */
static uint64_t allocator;

/* The program has it in its own file: the hooks are not called. */
static bool is_out_of_reach;

/* It is decided whether this process has a board. */
static bool is_begun;

CT_EXPORT void *ct_heap_find_next(const char *name, const void *own)
{
    return ct_symbol_next_but(name, own);
}

CT_EXPORT bool ct_heap_is_of_one_library(const void *a, const void *b)
{
    return ct_symbol_library(a) == ct_symbol_library(b);
}

/* Where the object begins that has it; 0: it is in none. */
static uint64_t begin_of(uint64_t address)
{
    struct dl_phdr_info info;

    return ct_loader_find(address, &info) ? info.dlpi_addr : 0;
}

CT_EXPORT bool ct_heap_is_of_program(const void *site, const void *used)
{
    int saved_errno = errno;
    bool is_so = false;

    if (ct_loader_enter(true)) {
        uint64_t begin = begin_of((uint64_t)site), others = begin_of((uint64_t)used);
        /* Code that is in no object is generated. Without the loader's help nothing is known. */
        is_so = others != 0 && begin != others && !ct_stack_is_own((uint64_t)site);
        ct_loader_leave();
    }
    errno = saved_errno;
    return is_so;
}

CT_EXPORT void ct_heap_hide_hooks(const void *const *hooks, size_t count)
{
    ct_symbol_hide(hooks, count);
}

void ct_heap_set_begun(void)
{
    is_begun = true;
}

CT_EXPORT bool ct_heap_begin_hooks(const struct ct_heap_hooks *hooks)
{
    uint64_t used = (uint64_t)ct_symbol_anywhere("malloc");

    ct_stack_add_own(hooks->code_begin, hooks->code_end);
    is_out_of_reach = used != (uint64_t)hooks->hook;
    allocator = is_out_of_reach ? used : (uint64_t)hooks->allocator;
    if (ct_board != NULL)
        ct_heap_begin();
    return !is_out_of_reach;
}

void ct_heap_begin(void)
{
    if (allocator == 0 || ct_control->heap_rate == CT_HEAP_OFF)
        return;
    ct_heap_levels_begin();
    ct_heap_rate_begin();
    ct_board->heap_rate = is_out_of_reach ? CT_HEAP_OFF : ct_control->heap_rate;
    ct_board->heap_allocator = allocator;
}

/* Is there a board, and this process its own? */
static bool is_recorded(void)
{
    return ct_control != NULL && ct_board != NULL && *ct_is_ours &&
           atomic_load_explicit(&ct_control->is_recording, memory_order_relaxed) != 0;
}

bool ct_heap_is_recorded(void)
{
    return allocator != 0 && !is_out_of_reach && is_recorded() &&
           ct_control->heap_rate != CT_HEAP_OFF;
}

CT_EXPORT uint64_t ct_heap_find_rate(uint32_t *shift)
{
    *shift = 0;
    if (ct_process_is_over())
        return CT_HEAP_NEVER;
    if (!is_recorded())
        return is_begun && !ct_heap_is_forking() ? CT_HEAP_NOT_NOW : CT_HEAP_NOT_YET;
    if (ct_control->heap_rate == CT_HEAP_OFF)
        return CT_HEAP_NEVER;
    *shift = ct_heap_shift();
    return ct_control->heap_rate << *shift;
}

static _Atomic uint64_t early;

CT_EXPORT void ct_heap_note_early(void)
{
    atomic_fetch_add_explicit(&early, 1, memory_order_relaxed);
}

static int32_t own_tid(const struct ct_self *self)
{
    return self->slot != NULL ? self->slot->tid : (int32_t)ct_syscall(SYS_gettid);
}

/* Of a thread that is past its end for us, or has found no slot, only the place is told. */
static __attribute__((noinline)) uint32_t find_place(uint64_t address)
{
    const struct ct_frames frames = {.addresses = &address, .count = 1, .is_live = true};
    struct ct_self nobody = {.mode = CT_MODE_BUSY};

    return ct_stack_intern(&nobody, &frames, false);
}

static void drop(void)
{
    atomic_fetch_add(&ct_board->heap_dropped, 1);
}

static bool add_block(uint32_t site, uint64_t address, uint64_t ticks)
{
    const struct ct_heap_block block = {address,
                                        {.ticks = ticks, .site = site, .tid = own_tid(&ct_self)}};
    struct ct_board_heap_site *counts = ct_heap_site_at(site);

    if (ct_heap_blocks_add(&block))
        return true;
    atomic_fetch_add(&ct_board->heap_overflowed, 1);
    atomic_fetch_add(&counts->overflowed, 1);
    return false;
}

static bool allocate(const struct ct_heap_sample *sample)
{
    struct ct_self *self = ct_self_enter();

    if (!is_recorded())
        return false;
    /* Else it is the C library's, in our own work, or we are in the middle of a fork. */
    if (self == NULL && ct_self.mode == CT_MODE_BUSY) {
        drop();
        return false;
    }
    uint64_t ticks = ct_ticks();
    uint64_t site = (uint64_t)sample->site;
    uint32_t stack = self != NULL ? ct_stack_capture(self, site) : find_place(site);
    uint32_t index = ct_heap_site_of(stack, sample->size, sample->shift);
    if (ct_control->heap_rate != 0)
        ct_heap_rate_count(ticks);
    if (index == CT_HEAP_NO_SITE) {
        drop();
        return false;
    }
    atomic_fetch_add_explicit(&ct_heap_site_at(index)->allocated, 1, memory_order_relaxed);
    return add_block(index, sample->address, ticks);
}

CT_EXPORT bool ct_heap_allocate(const struct ct_heap_sample *sample)
{
    int saved_errno = errno;
    uint64_t before = atomic_exchange_explicit(&early, 0, memory_order_relaxed);
    bool is_live = allocate(sample);

    if (before > 0 && ct_board != NULL)
        atomic_fetch_add(&ct_board->heap_early, before);
    errno = saved_errno;
    return is_live;
}

CT_EXPORT bool ct_heap_take_out(uint64_t address, struct ct_heap_block *block)
{
    int saved_errno = errno;
    bool was_live =
        address > CT_HEAP_BLOCK_BEGUN && is_recorded() && ct_heap_blocks_remove(address, block);

    errno = saved_errno;
    return was_live;
}

CT_EXPORT void ct_heap_free(const struct ct_heap_block *block)
{
    struct ct_board_heap_site *site = ct_heap_site_at(block->block.site);
    int saved_errno = errno;
    uint64_t life_ns = ct_elapsed_ns(block->block.ticks, ct_ticks());

    if (site != NULL) {
        atomic_fetch_add_explicit(&site->freed, 1, memory_order_relaxed);
        if (block->block.tid != own_tid(&ct_self))
            atomic_fetch_add_explicit(&site->freed_elsewhere, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&site->life_ns, life_ns, memory_order_relaxed);
        atomic_fetch_add_explicit(&site->lives[ct_histogram_bucket(life_ns)], 1,
                                  memory_order_relaxed);
    }
    errno = saved_errno;
}

CT_EXPORT bool ct_heap_put_back(const struct ct_heap_block *block)
{
    int saved_errno = errno;
    bool is_live = is_recorded() && ct_heap_blocks_add(block);

    errno = saved_errno;
    return is_live;
}
