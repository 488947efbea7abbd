#include "stack_cache.h"

#include "preload/core/memory.h"
#include "preload/core/tables.h"
#include "unwind.h"

#include <sys/mman.h>

/* So many threads at a time have one. */
#define THREADS 256

/*
 * A stack is learnt when it was taken so often in turn: learning it takes as long as unwinding it
 * some hundred times, and a thread may never take it again.
 */
#define SIGHTINGS 256

/* One after the other in each slot have the same. */
static CT_LARGE struct ct_stack_cache *all_caches[THREADS];

struct ct_stack_cache *ct_stack_cache_of(const struct ct_self *self)
{
    if (self->slot_index >= THREADS)
        return NULL;
    struct ct_stack_cache **cache = &all_caches[self->slot_index];
    if (*cache == NULL) {
        void *memory = ct_memory_is_spare(sizeof(**cache))
                           ? mmap(NULL, sizeof(**cache), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                           : MAP_FAILED;
        if (memory == MAP_FAILED)
            return NULL;
        *cache = memory;
    }
    for (size_t i = 0; i < CT_CACHED_STACKS; i++)
        (*cache)->stacks[i].frame = NULL;
    return *cache;
}

void ct_stack_cache_forget(struct ct_stack_cache *cache)
{
    cache->changes++;
    for (size_t i = 0; i < CT_CACHED_STACKS; i++) {
        cache->stacks[i].frame = NULL;
        cache->stacks[i].word_count = 0;
    }
}

#if defined(__x86_64__)
struct lesson {
    struct ct_cached_stack *cached;
    const struct ct_board_stack *stack;
    struct ct_frame previous; /* address 0: the function that took it was not reached yet */
    uint32_t frame_count;     /* of the stack; our own ones before them do not count */
};

/* Others may be unmapped by the time that they are looked at again. */
static bool is_own(const uint64_t *place)
{
    return ct_self_stack_has(&ct_self, (uint64_t)place);
}

static bool add_word(struct ct_cached_stack *cached, const uint64_t *place)
{
    if (cached->word_count == CT_CACHED_WORDS || !is_own(place))
        return false;
    cached->words[cached->word_count++] = (struct ct_cached_word){.place = place, .value = *place};
    return true;
}

/* Is this the stack that was unwound? */
static bool is_expected(struct lesson *lesson, uint64_t address)
{
    if (lesson->frame_count == 0 && address != lesson->stack->addresses[0])
        return true;
    lesson->frame_count++;
    return lesson->frame_count <= lesson->stack->count &&
           address == lesson->stack->addresses[lesson->frame_count - 1];
}

/*
 * The calling convention has the return address right below where the frame of the caller begins. A
 * frame is as long as its frame pointer tells only if that points into it: then it counts, too.
 */
static bool learn_frame(void *user, const struct ct_frame *frame)
{
    struct lesson *lesson = user;
    struct ct_cached_stack *cached = lesson->cached;
    const struct ct_frame *inner = &lesson->previous;
    const uint64_t *return_place = (const uint64_t *)frame->stack_pointer - 1;

    if (inner->address == 0 && return_place != cached->frame + 1)
        return true;
    if (frame->is_interrupted || !is_own(return_place) || *return_place != frame->address ||
        !is_expected(lesson, frame->address))
        return false;
    if (inner->address != 0 && inner->frame_pointer >= inner->stack_pointer &&
        inner->frame_pointer <= frame->stack_pointer &&
        (inner->frame_pointer_place < cached->frame ||
         !add_word(cached, inner->frame_pointer_place)))
        return false;
    lesson->previous = *frame;
    return add_word(cached, return_place);
}

static bool learn(struct ct_cached_stack *cached)
{
    struct lesson lesson = {.cached = cached, .stack = ct_stack_at(cached->stack)};

    return ct_unwind_visit(learn_frame, &lesson) && lesson.frame_count == lesson.stack->count;
}
#else
static bool learn(struct ct_cached_stack *cached)
{
    (void)cached;
    return false;
}
#endif

void ct_stack_cache_note(struct ct_stack_cache *cache, const uint64_t *frame, uint64_t site,
                         uint32_t stack)
{
    struct ct_cached_stack *cached = ct_stack_cache_at(cache, frame, site);

    cache->changes++;
    if (cached->frame != frame || cached->stack != stack || cached->word_count > 0) {
        cached->frame = frame;
        cached->stack = stack;
        cached->sightings = 0;
        cached->word_count = 0;
    }
    if (++cached->sightings < SIGHTINGS)
        return;
    cached->sightings = 0;
    if (!learn(cached))
        cached->word_count = 0;
}
