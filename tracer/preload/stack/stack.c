#include "stack.h"

#include "deep.h"
#include "memo.h"
#include "modules.h"
#include "preload/core/clock.h"
#include "preload/core/object.h"
#include "preload/core/raw.h"
#include "preload/core/tables.h"
#include "preload/core/work_stack.h"
#include "schema/syscalls.h"
#include "unwind.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>

/* Our own frames on top of the program's, at most. */
#define OWN_FRAMES 12

/* A thread that takes no more than these does without memos. */
#define FEW_STACKS 16

/* Buckets looked at in one level of them; in the last one that many times more, before a stack
 * counts as finding no room. */
#define PROBES      16
#define LAST_PROBES 256

static struct ct_object_range own; /* our frames are cut off */

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

/* What is to be interned: frames, the innermost and, of a deep stack, the outermost ones. */
struct frames {
    const uint64_t *addresses;
    uint32_t count;
    uint16_t outermost;
    uint16_t omitted_bits;
};

/* Are these the frames of the stack? Other code may be there since. */
static bool has_frames(const struct ct_board_stack *stack, const struct frames *frames)
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
static uint32_t append(uint64_t head, const struct frames *frames)
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
    const struct frames *frames;
    uint64_t hash;
    uint32_t own_id; /* where it was appended, if it was; 0 */
    bool has_loader; /* it can be asked for libraries that are new */
};

/* A new stack may have addresses in libraries that were loaded since the last scan. */
static uint32_t append_wanted(const struct wanted *wanted, uint64_t head)
{
    if (wanted->has_loader)
        ct_modules_update();
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

static bool is_own_frame(uint64_t address)
{
    return address >= own.begin && address < own.end;
}

/* Threads between enter and leave, and whether a fork waits for them. */
static _Atomic int loader_users;
static _Atomic int is_forking;

/* A user that has lost its CPU gets it back long before this. One that was cancelled never leaves,
 * and is forgotten then. */
#define LEAVING_NS UINT64_C(1000000000)

/* How long a wait that has ended is held up by another thread's fork, for the sake of its stack: no
 * longer, since the fork may wait for a lock of ours. */
#define PATIENCE_NS UINT64_C(50000000)

/* How often it is looked whether they have left, without taking the CPU from them. */
#define LOOK_AGAIN_NS 50000

/* Until is_forking is no longer `value`, or it is that late. */
static void pause_until(int value, uint64_t ns)
{
    uint64_t own_ns = ct_clock_own_ns(ns);
    const struct timespec time = {.tv_sec = (time_t)(own_ns / 1000000000),
                                  .tv_nsec = (long)(own_ns % 1000000000)};

    ct_syscall(SYS_futex, &is_forking, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, &time, NULL,
               CT_OWN_FUTEX_BITSET);
}

bool ct_loader_enter(void)
{
    ct_self.loader_uses++;
    atomic_fetch_add(&loader_users, 1);
    if (!atomic_load(&is_forking))
        return true;
    ct_loader_leave();
    return false;
}

void ct_loader_leave(void)
{
    atomic_fetch_sub(&loader_users, 1);
    ct_self.loader_uses--;
}

/* The thread that forks may be a user itself, in a signal handler. */
static void stop_loader(void)
{
    uint64_t begin_ns = ct_now_ns();
    int others;

    atomic_fetch_add(&is_forking, 1);
    while ((others = atomic_load(&loader_users) - ct_self.loader_uses) > 0) {
        uint64_t now_ns = ct_now_ns();

        if (now_ns - begin_ns < LEAVING_NS)
            pause_until(atomic_load(&is_forking), now_ns + LOOK_AGAIN_NS);
        else
            atomic_fetch_sub(&loader_users, others);
    }
}

static void go_on_in_parent(void)
{
    atomic_fetch_sub(&is_forking, 1);
    ct_syscall(SYS_futex, &is_forking, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

static void go_on_in_child(void)
{
    atomic_store(&loader_users, ct_self.loader_uses); /* the others stayed behind */
    ct_modules_forked();
    atomic_fetch_sub(&is_forking, 1);
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
static void cut(struct ct_self *self, const uint64_t *frame, struct frames *frames, uint64_t *all)
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

static uint32_t intern_frames(struct ct_self *self, const struct frames *frames, bool has_loader)
{
    struct wanted wanted = {.frames = frames, .has_loader = has_loader};

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

/* A stack of which only the hook's return address is known. */
static uint32_t intern_site(struct ct_self *self, uint64_t site, bool has_loader)
{
    const struct frames frames = {.addresses = &site, .count = 1};

    return intern_frames(self, &frames, has_loader);
}

/* Unwinds and interns, without our own frames; the caller, whose frame it is, has made its thread
 * busy, and has the loader. */
static uint32_t take_stack(struct ct_self *self, const uint64_t *frame, uint64_t site)
{
    uint64_t all[CT_STACK_MAX_FRAMES + OWN_FRAMES];
    uint32_t limit = frame_limit();
    uint32_t first = 0;

    if (atomic_load_explicit(&ct_unloads, memory_order_relaxed) != 0)
        ct_modules_update(); /* something may have been loaded where something was unloaded */
    uint32_t count = (uint32_t)ct_unwind((void **)(void *)all, (int)limit + OWN_FRAMES);
    self->stacks_taken++;
    while (first < count && is_own_frame(all[first]))
        first++;
    if (first >= count)
        return intern_site(self, site, true);
    struct frames frames = {.addresses = all + first, .count = count - first};
    if (frames.count > limit)
        cut(self, frame, &frames, all + first);
    return intern_frames(self, &frames, true);
}

/* Libraries were unloaded since, or are being so: what is known by address may be stale. */
static void forget_stacks(struct ct_self *self, uint32_t unloads)
{
    self->last_stack = 0;
    if (self->memos != NULL)
        ct_memos_forget(self->memos);
    ct_deep_forget(self);
    self->unloads_seen = unloads & CT_UNLOADS_UNDER_WAY ? UINT32_MAX : unloads;
}

/* A stack to be taken: that of the function with this frame. */
struct capture {
    struct ct_self *self;
    const uint64_t *frame;
    uint64_t site;
    uint32_t stack;
};

static void capture_stack(void *argument)
{
    struct capture *capture = argument;
    struct ct_self *self = capture->self;

    capture->stack = take_stack(self, capture->frame, capture->site);
    if (self->memos != NULL && capture->stack != CT_STACK_LOST)
        ct_memo_note(self->memos, capture->frame, capture->site, capture->stack);
    else if (self->memos == NULL && self->stacks_taken >= FEW_STACKS)
        self->memos = ct_memos_of(self);
}

uint32_t ct_stack_try_capture(struct ct_self *self, uint64_t site)
{
    struct capture capture = {
        .self = self, .frame = __builtin_frame_address(0), .site = site, .stack = 0};
    int saved_errno = errno;
    enum ct_mode mode = self->mode;
    uint32_t unloads = atomic_load_explicit(&ct_unloads, memory_order_relaxed);

    if (__builtin_expect(unloads != self->unloads_seen, 0))
        forget_stacks(self, unloads);
    if (self->memos != NULL)
        capture.stack = ct_memo_recall(self->memos, capture.frame, site);
    if (capture.stack != 0)
        return capture.stack;
    if (!ct_loader_enter())
        return 0;
    self->mode = CT_MODE_BUSY;
    if (!ct_with_room(self, capture_stack, &capture))
        capture.stack = intern_site(self, site, false);
    ct_loader_leave();
    self->mode = mode;
    errno = saved_errno;
    return capture.stack;
}

uint32_t ct_stack_capture(struct ct_self *self, uint64_t site)
{
    uint32_t stack = ct_stack_try_capture(self, site);

    if (stack != 0)
        return stack;
    for (uint64_t late_ns = ct_now_ns() + PATIENCE_NS; stack == 0 && ct_now_ns() < late_ns;) {
        int value = atomic_load(&is_forking);

        if (value != 0)
            pause_until(value, late_ns);
        stack = ct_stack_try_capture(self, site);
    }
    return stack != 0 ? stack : intern_site(self, site, false);
}

void ct_stack_init(void)
{
    own = ct_object_range_around((void *)ct_stack_init);
    /* The first to register stops last and goes on first: others' handlers may take their time. */
    pthread_atfork(stop_loader, go_on_in_parent, go_on_in_child);
}
