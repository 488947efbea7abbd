#include "stack.h"

#include "deep.h"
#include "intern.h"
#include "loader.h"
#include "modules.h"
#include "preload/core/object.h"
#include "preload/core/tables.h"
#include "preload/core/work_stack.h"
#include "python_merge.h"
#include "stack_cache.h"
#include "unwind.h"

#include <errno.h>

/* Our own frames on top of the program's, at most. */
#define OWN_FRAMES 12

/* A thread that takes no more than these does without a cache. */
#define FEW_STACKS 16

/* Our frames are cut off: those of this library, and of another one of ours, if it is there. */
static struct ct_object_range own, own_other;

bool ct_stack_is_own(uint64_t address)
{
    return address - own.begin < own.end - own.begin ||
           address - own_other.begin < own_other.end - own_other.begin;
}

/* How many frames of a stack are kept. */
static uint32_t frame_limit(void)
{
    uint32_t limit = ct_control->stack_frames;

    if (limit < CT_STACK_MIN_FRAMES)
        return CT_STACK_MIN_FRAMES;
    return limit < CT_STACK_MAX_FRAMES ? limit : CT_STACK_MAX_FRAMES;
}

/* Leaves so many of the frames that the outermost, if they can be found, have room behind them. */
static void cut(struct ct_self *self, const uint64_t *frame, struct ct_frames *frames,
                uint64_t *all)
{
    uint32_t limit = frame_limit();
    uint32_t outermost = CT_STACK_OUTERMOST(limit);
    const struct ct_deep deep = {
        .frame = frame,
        .inner = all,
        .inner_count = limit - outermost,
        .outer_count = outermost,
    };

    frames->omitted_bits = 1;
    frames->count = limit;
    if (!self->is_aside && ct_deep_find(self, &deep, all + deep.inner_count, &frames->omitted_bits))
        frames->outermost = (uint16_t)outermost;
}

/* A stack of which only the hook's return address is known. */
static uint32_t intern_site(struct ct_self *self, uint64_t site, bool has_room)
{
    const struct ct_frames frames = {.addresses = &site, .count = 1, .is_live = true};

    return ct_stack_intern(self, &frames, has_room);
}

/* Unwinds and interns, without our own frames; the caller, whose frame it is, has made its thread
 * busy. */
static uint32_t take_stack(struct ct_self *self, const uint64_t *frame, uint64_t site)
{
    uint64_t all[CT_STACK_MAX_FRAMES + OWN_FRAMES];
    uint32_t limit = frame_limit();
    uint32_t first = 0;

    bool is_live;

    if (__builtin_expect(atomic_load_explicit(&ct_modules_are_behind, memory_order_relaxed), 0))
        ct_modules_update();
    uint32_t count = (uint32_t)ct_unwind((void **)(void *)all, (int)limit + OWN_FRAMES, &is_live);
    self->stacks_taken++;
    while (first < count && ct_stack_is_own(all[first]))
        first++;
    if (first >= count)
        return intern_site(self, site, true);
    struct ct_frames frames = {
        .addresses = all + first, .count = count - first, .is_live = is_live};
    if (atomic_load_explicit(&ct_unloads, memory_order_relaxed) != 0)
        ct_modules_note(frames.addresses, frames.count, is_live); /* where something was unloaded */
    if (frames.count > limit)
        cut(self, frame, &frames, all + first);
    return ct_stack_intern(self, &frames, true);
}

/* ---- With the functions of CPython. ---- */

/* What that takes of a stack beyond what others do. */
#define PYTHON_ROOM 16384

/* As of ct_stack_cache_recall and work_stack.h: C frames do not tell which Python function runs in
 * them, so that a stack is never known again by these alone. */
static uint32_t take_python_stack(struct ct_self *self, const struct ct_python *python,
                                  const uint64_t *frame, uint64_t site)
{
    uint64_t all[CT_STACK_MAX_FRAMES + OWN_FRAMES], pointers[CT_STACK_MAX_FRAMES + OWN_FRAMES];
    uint64_t merged_addresses[CT_STACK_MAX_FRAMES];
    uint32_t limit = frame_limit();
    struct ct_merged merged = {merged_addresses, limit, CT_STACK_OUTERMOST(limit), 0};
    struct ct_c_frames c_frames;
    uint32_t first = 0;
    bool is_live;

    if (__builtin_expect(atomic_load_explicit(&ct_modules_are_behind, memory_order_relaxed), 0))
        ct_modules_update();
    uint32_t count = (uint32_t)ct_unwind_with_pointers((void **)(void *)all, pointers,
                                                       (int)limit + OWN_FRAMES, &is_live);
    while (first < count && ct_stack_is_own(all[first]))
        first++;
    c_frames = (struct ct_c_frames){all + first, pointers + first, count - first,
                                    count == limit + OWN_FRAMES};
    uint32_t merged_count = ct_python_merge(python, &c_frames, &merged);
    if (merged_count == 0)
        return take_stack(self, frame, site);
    if (atomic_load_explicit(&ct_unloads, memory_order_relaxed) != 0)
        ct_modules_note(all + first, count - first, is_live);
    const struct ct_frames frames = {
        .addresses = merged_addresses,
        .count = merged_count,
        .outermost = merged.omitted > 0 ? (uint16_t)merged.outermost : 0,
        .omitted_bits = merged.omitted > 0 ? (uint16_t)(32 - __builtin_clz(merged.omitted)) : 0,
        .is_live = is_live,
    };
    return ct_stack_intern(self, &frames, true);
}

/* ---- All of them. ---- */

/* Libraries were unloaded since, or are being so: what is known by address may be stale. */
static void forget_stacks(struct ct_self *self, uint32_t unloads)
{
    self->last_stack = 0;
    if (self->stack_cache != NULL)
        ct_stack_cache_forget(self->stack_cache);
    ct_deep_forget(self);
    self->unloads_seen = unloads & CT_UNLOADS_UNDER_WAY ? UINT32_MAX : unloads;
}

/* A stack to be taken: that of the function with this frame. */
struct capture {
    struct ct_self *self;
    const struct ct_python *python; /* or NULL */
    const uint64_t *frame;
    uint64_t site;
    uint32_t stack;
};

static void capture_stack(void *argument)
{
    struct capture *capture = argument;
    struct ct_self *self = capture->self;

    if (capture->python != NULL) {
        capture->stack = take_python_stack(self, capture->python, capture->frame, capture->site);
        return;
    }
    capture->stack = take_stack(self, capture->frame, capture->site);
    if (self->stack_cache != NULL && capture->stack != CT_STACK_LOST)
        ct_stack_cache_note(self->stack_cache, capture->frame, capture->site, capture->stack);
    else if (self->stack_cache == NULL && self->stacks_taken >= FEW_STACKS)
        self->stack_cache = ct_stack_cache_of(self);
}

/* See ct_with_room. */
static bool take_with_room(struct ct_self *self, struct capture *capture)
{
    uint64_t end = (uint64_t)__builtin_frame_address(0) - PYTHON_ROOM;

    if (capture->python != NULL && !ct_self_stack_has(self, end))
        return ct_run_aside(self, capture_stack, capture);
    return ct_with_room(self, capture_stack, capture);
}

uint32_t ct_stack_capture(struct ct_self *self, uint64_t site)
{
    struct capture capture = {
        .self = self, .frame = __builtin_frame_address(0), .site = site, .stack = 0};
    int saved_errno = errno;
    enum ct_mode mode = self->mode;
    uint32_t unloads = atomic_load_explicit(&ct_unloads, memory_order_relaxed);

    if (__builtin_expect(unloads != self->unloads_seen, 0))
        forget_stacks(self, unloads);
    capture.python = ct_python_find();
    if (self->stack_cache != NULL && capture.python == NULL)
        capture.stack = ct_stack_cache_recall(self->stack_cache, capture.frame, site);
    if (capture.stack != 0)
        return capture.stack;
    self->mode = CT_MODE_BUSY;
    if (!take_with_room(self, &capture))
        capture.stack = intern_site(self, site, false);
    self->mode = mode;
    errno = saved_errno;
    return capture.stack;
}

void ct_stack_add_own(const void *begin, const void *end)
{
    own_other = (struct ct_object_range){.begin = (uint64_t)begin, .end = (uint64_t)end};
}

void ct_stack_init(void)
{
    own = ct_object_range_around((void *)ct_stack_init);
    ct_loader_init();
}
