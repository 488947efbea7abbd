#include "deep.h"

#include "preload/core/clock.h"
#include "preload/core/memory.h"
#include "preload/core/tables.h"
#include "unwind.h"

#include <string.h>
#include <sys/mman.h>

/* So many threads at a time know deep stacks. */
#define THREADS 256

#define OUTER_MAX CT_STACK_OUTERMOST(CT_STACK_MAX_FRAMES)

/* Walks begin with room for so many frames, and end with this. */
#define FIRST_FRAMES (UINT32_C(1) << 13)
#define LAST_FRAMES  (UINT32_C(1) << 19)
#define GROWTH       8

/* Own frames before the program's, at most. */
#define OWN_FRAMES 16

/* A thread spends no more than this part of its time on walks: by what they take, not by what they
 * took, which may be time that others ran. */
#define WALKING_PART 16
#define FRAME_NS     20

/* The deep stack that a thread found last. It is there again if the same function is at the same
 * place, its innermost frames are the same, and so are the return addresses of the outermost ones.
 */
struct found {
    uint64_t next_walk_ns; /* not before */
    const uint64_t *frame; /* NULL: none */
    uint64_t inner_hash;
    uint32_t outer_count;
    uint16_t omitted_bits;
    struct {
        const uint64_t *place;
        uint64_t address;
    } outer[OUTER_MAX];
};

/* One after the other in each slot have the same. */
static CT_LARGE struct found *all_found[THREADS];

/* Most processes never have one, and touch no memory for them. */
static bool is_any_made;

static struct found *found_of(const struct ct_self *self)
{
    return self->slot_index < THREADS ? all_found[self->slot_index] : NULL;
}

/* NULL if there is no room. */
static struct found *make_found(const struct ct_self *self)
{
    if (self->slot_index >= THREADS)
        return NULL;
    struct found **found = &all_found[self->slot_index];
    if (*found == NULL && ct_memory_is_spare(sizeof(**found))) {
        void *memory =
            mmap(NULL, sizeof(**found), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *found = memory != MAP_FAILED ? memory : NULL;
        is_any_made = true;
    }
    return *found;
}

void ct_deep_forget(const struct ct_self *self)
{
    struct found *found = is_any_made ? found_of(self) : NULL;

    if (found != NULL && found->frame != NULL)
        found->frame = NULL;
}

static uint64_t hash_inner(const struct ct_deep *deep)
{
    uint64_t hash = deep->inner_count;

    for (uint32_t i = 0; i < deep->inner_count; i++)
        hash = (hash ^ deep->inner[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash;
}

static bool is_found_again(const struct found *found, const struct ct_deep *deep)
{
    if (found->frame != deep->frame || found->outer_count != deep->outer_count ||
        found->inner_hash != hash_inner(deep))
        return false;
    for (uint32_t i = 0; i < found->outer_count; i++)
        if (*found->outer[i].place != found->outer[i].address)
            return false;
    return true;
}

/* ---- Walks ---- */

struct walk {
    void **addresses;
    uint32_t room;
    uint32_t count; /* all of the stack's */
};

static bool map_room(struct walk *walk, uint32_t room)
{
    walk->count = 0;
    walk->room = room;
    if (!ct_memory_is_spare(room * sizeof(*walk->addresses)))
        return false;
    walk->addresses = mmap(NULL, room * sizeof(*walk->addresses), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return walk->addresses != MAP_FAILED;
}

static void end_walk(struct walk *walk)
{
    munmap(walk->addresses, walk->room * sizeof(*walk->addresses));
}

/* False if there are more frames than can be walked. */
static bool walk_all(struct walk *walk)
{
    bool is_live;

    for (uint32_t room = FIRST_FRAMES; room <= LAST_FRAMES; room *= GROWTH) {
        if (!map_room(walk, room))
            return false;
        walk->count = (uint32_t)ct_unwind(walk->addresses, (int)room, &is_live);
        if (walk->count < room)
            return true;
        end_walk(walk);
    }
    return false;
}

/* How many of our own frames come first, or OWN_FRAMES. */
static uint32_t count_own(const struct walk *walk, const struct ct_deep *deep)
{
    uint32_t own = 0;

    while (own < OWN_FRAMES && (own + deep->inner_count > walk->count ||
                                memcmp(walk->addresses + own, deep->inner,
                                       deep->inner_count * sizeof(*deep->inner)) != 0))
        own++;
    return own;
}

/*
 * Where the return addresses lie: from the inside out, each above the one before. What is taken for
 * one may be left over from an earlier call; then it is nearer than the true one, and those that
 * follow are found all the same. False if the stack goes on elsewhere, as it does after a signal,
 * or is not the thread's own, which alone is there for sure when it is looked at again.
 */
static bool find_places(struct found *found, const struct walk *walk, uint32_t own)
{
    const uint64_t *place = found->frame;
    uint32_t first_outer = walk->count - found->outer_count;

    for (uint32_t i = own; i < walk->count; i++, place++) {
        while (ct_self_stack_has(&ct_self, (uint64_t)place) &&
               *place != (uint64_t)walk->addresses[i])
            place++;
        if (!ct_self_stack_has(&ct_self, (uint64_t)place))
            return false;
        if (i >= first_outer) {
            found->outer[i - first_outer].place = place;
            found->outer[i - first_outer].address = *place;
        }
    }
    return true;
}

static uint16_t count_bits(uint32_t number)
{
    return number == 0 ? 0 : (uint16_t)(32 - __builtin_clz(number));
}

/* Takes from a walk what is wanted, and what it needs to be known again. */
static bool take(struct found *found, const struct walk *walk, const struct ct_deep *deep,
                 uint64_t *outer)
{
    uint32_t own = count_own(walk, deep);

    if (own == OWN_FRAMES || walk->count <= own + deep->inner_count + deep->outer_count)
        return false;
    memcpy(outer, walk->addresses + (walk->count - deep->outer_count),
           deep->outer_count * sizeof(*outer));
    found->omitted_bits = count_bits(walk->count - own - deep->inner_count - deep->outer_count);
    found->outer_count = deep->outer_count;
    found->inner_hash = hash_inner(deep);
    found->frame = deep->frame;
    if (!find_places(found, walk, own))
        found->frame = NULL;
    return true;
}

bool ct_deep_find(struct ct_self *self, const struct ct_deep *deep, uint64_t *outer,
                  uint16_t *omitted_bits)
{
    struct found *found = make_found(self);
    uint64_t now_ns = ct_now_ns();
    struct walk walk;
    bool is_known = false;

    if (found == NULL || deep->outer_count > OUTER_MAX)
        return false;
    if (is_found_again(found, deep)) {
        for (uint32_t i = 0; i < deep->outer_count; i++)
            outer[i] = found->outer[i].address;
        *omitted_bits = found->omitted_bits;
        return true;
    }
    if (now_ns < found->next_walk_ns)
        return false;
    if (walk_all(&walk)) {
        is_known = take(found, &walk, deep, outer);
        *omitted_bits = found->omitted_bits;
        end_walk(&walk);
    }
    found->next_walk_ns = now_ns + (uint64_t)walk.count * FRAME_NS * WALKING_PART;
    return is_known;
}
