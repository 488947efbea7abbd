#include "intern.h"

#include "modules.h"
#include "preload/core/clock.h"
#include "preload/core/tables.h"

/* Buckets looked at in one level of them; in the last one that many times more, before a stack
 * counts as finding no room. */
#define PROBES      16
#define LAST_PROBES 256

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* Four chains that do not wait for each other: it takes a quarter of the time of one. */
static uint64_t hash_frames(const uint64_t *frames, uint32_t count)
{
    uint64_t first = count, second = 1, third = 2, fourth = 3;
    uint32_t i = 0;

    for (; i + 4 <= count; i += 4) {
        first = mix(first, frames[i]);
        second = mix(second, frames[i + 1]);
        third = mix(third, frames[i + 2]);
        fourth = mix(fourth, frames[i + 3]);
    }
    for (; i < count; i++)
        first = mix(first, frames[i]);
    return mix(mix(mix(first, second), third), fourth);
}

/* Are these the frames of the stack? Other code may be there since. */
static bool has_frames(const struct ct_board_stack *stack, const struct ct_frames *frames)
{
    if (stack->count != frames->count || stack->outermost != frames->outermost ||
        stack->omitted_bits != frames->omitted_bits)
        return false;
    /* By no function that a thread sanitizer watches: it does not know how threads agree here. */
    for (uint32_t i = 0; i < frames->count; i++)
        if (__atomic_load_n(&stack->addresses[i], __ATOMIC_RELAXED) != frames->addresses[i])
            return false;
    return true;
}

/* What of the tables has memory behind it: their first parts, the pages of buckets as bits, and the
 * first words. */
#define TABLE_PAGE       4096
#define BUCKETS_PER_PAGE (TABLE_PAGE / sizeof(uint32_t))
#define BUCKET_PAGES     ((CT_BOARD_BUCKETS - CT_FIRST_BUCKETS) / BUCKETS_PER_PAGE)
#define WORDS_AT_ONCE    1024

static _Atomic uint64_t backed_buckets[(BUCKET_PAGES + 63) / 64];
static _Atomic uint32_t backed_words;
static _Atomic bool has_first_parts;

/* The first stack of a board comes with memory for the first parts of both tables, side by side. */
static bool back_first_parts(void)
{
    if (__builtin_expect(atomic_load_explicit(&has_first_parts, memory_order_relaxed), 1))
        return true;
    if (!ct_memory_back(ct_board->buckets, sizeof(ct_board->buckets) + sizeof(ct_board->words)))
        return false;
    atomic_store(&has_first_parts, true);
    return true;
}

/* The bucket, with memory; NULL if there is none. */
static _Atomic uint32_t *find_bucket(uint32_t index)
{
    _Atomic uint32_t *bucket = ct_table_get(CT_TABLE_BUCKETS, index);

    if (index < CT_FIRST_BUCKETS || bucket == NULL)
        return bucket;
    uint32_t page = (index - CT_FIRST_BUCKETS) / BUCKETS_PER_PAGE;
    uint64_t bit = UINT64_C(1) << page % 64;
    if (__builtin_expect(
            atomic_load_explicit(&backed_buckets[page / 64], memory_order_relaxed) & bit, 1))
        return bucket;
    if (!ct_memory_back(bucket, sizeof(*bucket)))
        return NULL;
    atomic_fetch_or(&backed_buckets[page / 64], bit);
    return bucket;
}

/* Sees to it that the words before `end` are mapped and have memory. */
static bool back_words(uint32_t end)
{
    uint32_t backed = atomic_load(&backed_words);

    while (backed < end) {
        uint64_t *words = ct_table_get(CT_TABLE_WORDS, backed);
        if (words == NULL || !ct_memory_back(words, WORDS_AT_ONCE * sizeof(*words)))
            return false;
        uint32_t next = backed + WORDS_AT_ONCE;
        if (atomic_compare_exchange_strong(&backed_words, &backed, next))
            backed = next;
    }
    return true;
}

void ct_stacks_begin(void)
{
    for (size_t i = 0; i < sizeof(backed_buckets) / sizeof(backed_buckets[0]); i++)
        atomic_store(&backed_buckets[i], 0);
    atomic_store(&backed_words, CT_FIRST_WORDS);
    atomic_store(&has_first_parts, false);
}

/* Claims so many words that are in one part of the table: the index of the first; 0 if there are
 * none. */
static uint32_t claim_words(uint32_t need)
{
    uint32_t used = atomic_load_explicit(&ct_board->used_words, memory_order_relaxed);
    uint32_t id;

    do {
        struct ct_table_place place = ct_table_place_of(CT_TABLE_WORDS, used);
        id = place.count - place.within < need ? used + place.count - place.within : used;
        if (id > CT_BOARD_STACK_WORDS - CT_BOARD_STACK_RESERVED - need || !back_words(id + need))
            return 0;
    } while (!atomic_compare_exchange_weak(&ct_board->used_words, &used, id + need));
    return id;
}

/* Appends the stack to the words; 0 if there is no room. */
static uint32_t append(uint64_t head, const struct ct_frames *frames)
{
    uint32_t id = claim_words((uint32_t)CT_BOARD_STACK_HEADER + frames->count);
    uint64_t *words = id != 0 ? ct_table_find(CT_TABLE_WORDS, id) : NULL;

    if (words == NULL)
        return 0;
    struct ct_board_stack *stack = (void *)words;
    stack->outermost = frames->outermost;
    stack->omitted_bits = frames->omitted_bits;
    stack->taken_ns = ct_now_ns();
    for (uint32_t i = 0; i < frames->count; i++)
        __atomic_store_n(&stack->addresses[i], frames->addresses[i], __ATOMIC_RELAXED);
    words[0] = head;
    return id;
}

/* Where a level of buckets begins. */
struct level {
    uint32_t begin, count;
    uint32_t probes;
};

static struct level find_level(uint32_t number)
{
    const struct ct_table_layout *layout = &ct_table_layouts[CT_TABLE_BUCKETS];
    uint32_t second = UINT32_C(1) << layout->second_bits;

    if (number == 0)
        return (struct level){0, layout->first, PROBES};
    return (struct level){layout->first + second * ((UINT32_C(1) << (number - 1)) - 1),
                          second << (number - 1), number == layout->parts ? LAST_PROBES : PROBES};
}

/* A stack that is looked for. */
struct wanted {
    const struct ct_frames *frames;
    uint64_t hash;
    uint32_t own_id; /* where it was appended, if it was; 0 */
    bool has_room;   /* to look for libraries that are new */
};

/* A new stack may have addresses in libraries that were loaded since the last scan. */
static uint32_t append_wanted(const struct wanted *wanted, uint64_t head)
{
    if (wanted->has_room)
        ct_modules_note(wanted->frames->addresses, wanted->frames->count, wanted->frames->is_live);
    return append(head, wanted->frames);
}

/* Its id, if it is in this level or finds room there; CT_STACK_LOST if there is no memory; 0: the
 * next level may have it. */
static uint32_t intern_in(const struct level *level, struct wanted *wanted)
{
    uint64_t head = wanted->hash << 32 | wanted->frames->count;

    for (uint32_t probe = 0; probe < level->probes; probe++) {
        uint32_t at = (uint32_t)(((wanted->hash >> 32) + probe) % level->count);
        _Atomic uint32_t *bucket = find_bucket(level->begin + at);
        if (bucket == NULL)
            return CT_STACK_LOST;
        uint32_t id = atomic_load_explicit(bucket, memory_order_acquire);
        if (id == 0) {
            if (wanted->own_id == 0)
                wanted->own_id = append_wanted(wanted, head);
            if (wanted->own_id == 0)
                return CT_STACK_LOST;
            if (atomic_compare_exchange_strong(bucket, &id, wanted->own_id))
                return wanted->own_id;
            /* Another thread took the bucket; `id` is what it put there. */
        }
        const struct ct_board_stack *stack = ct_stack_at(id);
        if (stack != NULL && stack->hash == (uint32_t)wanted->hash &&
            has_frames(stack, wanted->frames))
            return id;
    }
    return 0;
}

/* CT_STACK_LOST if there is no room. */
static uint32_t intern(struct wanted *wanted)
{
    uint32_t id = back_first_parts() ? 0 : CT_STACK_LOST;

    for (uint32_t level = 0; id == 0 && level <= ct_table_layouts[CT_TABLE_BUCKETS].parts;
         level++) {
        struct level buckets = find_level(level);
        id = intern_in(&buckets, wanted);
    }
    return id != 0 ? id : CT_STACK_LOST;
}

uint32_t ct_stack_intern(struct ct_self *self, const struct ct_frames *frames, bool has_room)
{
    struct wanted wanted = {.frames = frames, .has_room = has_room};

    if (self->last_stack != 0 && has_frames(ct_stack_at(self->last_stack), frames))
        return self->last_stack;
    wanted.hash = mix(hash_frames(frames->addresses, frames->count),
                      ct_modules_sign(frames->addresses, frames->count));
    uint32_t id = intern(&wanted);
    self->last_stack = id != CT_STACK_LOST ? id : 0;
    if (id == CT_STACK_LOST)
        atomic_fetch_add(&ct_board->stacks_lost, 1);
    return id;
}

uint32_t ct_stack_intern_code(const uint64_t *words, uint32_t count)
{
    const struct ct_frames frames = {
        .addresses = words, .count = count, .outermost = CT_STACK_IS_CODE};
    struct wanted wanted = {.frames = &frames, .hash = hash_frames(words, count)};

    return intern(&wanted);
}
