#include "stack.h"

#include "clock.h"
#include "memo.h"
#include "raw.h"
#include "schema/syscalls.h"
#include "tables.h"
#include "text.h"
#include "unwind.h"
#include "work_stack.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <string.h>

/* Our own frames on top of the program's, at most. */
#define OWN_FRAMES 12

/* A thread that takes no more than these does without the unwinder's cache. */
#define FEW_STACKS 16

/* Buckets looked at in one level of them; in the last one that many times more, before a stack
 * counts as finding no room. */
#define PROBES      16
#define LAST_PROBES 256

static struct ct_object_range own; /* our frames are cut off */

/* dl_iterate_phdr's count of objects ever loaded, at the last scan. */
static _Atomic uint64_t scanned_loads;

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

/* Are these the frames of the stack at `words`? */
static bool is_same(const uint64_t *words, const uint64_t *frames, uint32_t count)
{
    return (uint32_t)words[0] == count && memcmp(words + 1, frames, count * sizeof(*frames)) == 0;
}

/* What of the tables has memory behind it: the pages of buckets as bits, and the first words. The
 * first part of a table has it from the beginning. */
#define TABLE_PAGE       4096
#define BUCKETS_PER_PAGE (TABLE_PAGE / sizeof(uint32_t))
#define BUCKET_PAGES     ((CT_BOARD_BUCKETS - CT_FIRST_BUCKETS) / BUCKETS_PER_PAGE)
#define WORDS_AT_ONCE    1024

static _Atomic uint64_t backed_buckets[(BUCKET_PAGES + 63) / 64];
static _Atomic uint32_t backed_words;

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
static uint32_t append(uint64_t head, const uint64_t *frames, uint32_t count)
{
    uint32_t id = claim_words(count + 1);
    uint64_t *words = id != 0 ? ct_table_find(CT_TABLE_WORDS, id) : NULL;

    if (words == NULL)
        return 0;
    memcpy(words + 1, frames, count * sizeof(*frames));
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
    uint64_t hash;
    const uint64_t *frames;
    uint32_t count;
    uint32_t own_id; /* where it was appended, if it was; 0 */
    bool is_new;     /* nobody had it before */
};

/* Its id, if it is in this level or finds room there; CT_STACK_LOST if there is no memory; 0: the
 * next level may have it. */
static uint32_t intern_in(const struct level *level, struct wanted *wanted)
{
    uint64_t head = wanted->hash << 32 | wanted->count;

    for (uint32_t probe = 0; probe < level->probes; probe++) {
        uint32_t at = (uint32_t)(((wanted->hash >> 32) + probe) % level->count);
        _Atomic uint32_t *bucket = find_bucket(level->begin + at);
        if (bucket == NULL)
            return CT_STACK_LOST;
        uint32_t id = atomic_load_explicit(bucket, memory_order_acquire);
        if (id == 0) {
            if (wanted->own_id == 0)
                wanted->own_id = append(head, wanted->frames, wanted->count);
            if (wanted->own_id == 0)
                return CT_STACK_LOST;
            if (atomic_compare_exchange_strong(bucket, &id, wanted->own_id)) {
                wanted->is_new = true;
                return wanted->own_id;
            }
            /* Another thread took the bucket; `id` is what it put there. */
        }
        const uint64_t *words = ct_stack_words(id);
        if (words != NULL && words[0] == head && is_same(words, wanted->frames, wanted->count))
            return id;
    }
    return 0;
}

/* CT_STACK_LOST if there is no room. */
static uint32_t intern(struct wanted *wanted)
{
    uint32_t id = 0;

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

static int find_loads(struct dl_phdr_info *info, size_t size, void *loads)
{
    (void)size;
    *(uint64_t *)loads = info->dlpi_adds;
    return 1;
}

/* A new stack may have addresses in libraries that were loaded since the last scan. */
static void scan_if_loaded(void)
{
    uint64_t loads = 0;

    dl_iterate_phdr(find_loads, &loads);
    if (loads != atomic_load_explicit(&scanned_loads, memory_order_relaxed))
        ct_modules_scan();
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
    atomic_fetch_sub(&is_forking, 1);
}

/* Interns what was unwound, without our own frames; `site` if that leaves none. */
static uint32_t intern_stack(struct ct_self *self, void **raw, int count, uint64_t site,
                             bool *is_new)
{
    int first = 0;

    while (first < count && is_own_frame((uint64_t)raw[first]))
        first++;
    if (first >= count) {
        raw[0] = (void *)site;
        first = 0;
        count = 1;
    }
    if (count - first > CT_STACK_MAX_FRAMES)
        count = first + CT_STACK_MAX_FRAMES;
    struct wanted wanted = {.frames = (const uint64_t *)(const void *)(raw + first),
                            .count = (uint32_t)(count - first)};
    if (self->last_stack != 0 &&
        is_same(ct_stack_words(self->last_stack), wanted.frames, wanted.count))
        return self->last_stack;
    wanted.hash = hash_frames(wanted.frames, wanted.count);
    uint32_t id = intern(&wanted);
    *is_new = wanted.is_new;
    self->last_stack = id != CT_STACK_LOST ? id : 0;
    if (id == CT_STACK_LOST)
        atomic_fetch_add(&ct_board->stacks_lost, 1);
    return id;
}

/* Unwinds and interns; the caller's thread is busy, and has the loader. */
static uint32_t take_stack(struct ct_self *self, uint64_t site)
{
    void *raw[CT_STACK_MAX_FRAMES + OWN_FRAMES];
    bool is_new = false;
    /* With the cache, what lies beyond the end of a stack is believed to be readable. */
    bool without_cache =
        !self->has_stack_cache || self->stacks_taken < FEW_STACKS || self->is_aside;
    int count = ct_unwind(raw, CT_STACK_MAX_FRAMES + OWN_FRAMES, without_cache);
    uint32_t stack = intern_stack(self, raw, count, site, &is_new);

    self->stacks_taken++;
    if (is_new)
        scan_if_loaded();
    return stack;
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

    capture->stack = take_stack(self, capture->site);
    if (self->memos != NULL && capture->stack != CT_STACK_LOST)
        ct_memo_note(self->memos, capture->frame, capture->site, capture->stack);
    else if (self->memos == NULL && self->stacks_taken >= FEW_STACKS)
        self->memos = ct_memos_of(self);
}

static uint32_t intern_site(struct ct_self *self, uint64_t site)
{
    void *only_site[1];
    bool is_new;

    return intern_stack(self, only_site, 0, site, &is_new);
}

uint32_t ct_stack_try_capture(struct ct_self *self, uint64_t site)
{
    struct capture capture = {
        .self = self, .frame = __builtin_frame_address(0), .site = site, .stack = 0};
    int saved_errno = errno;
    enum ct_mode mode = self->mode;

    if (self->memos != NULL)
        capture.stack = ct_memo_recall(self->memos, capture.frame, site);
    if (capture.stack != 0)
        return capture.stack;
    if (!ct_loader_enter())
        return 0;
    self->mode = CT_MODE_BUSY; /* libunwind calls write, mincore and friends */
    if (!ct_with_room(self, capture_stack, &capture))
        capture.stack = intern_site(self, site);
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
    return stack != 0 ? stack : intern_site(self, site);
}

/* The range of virtual addresses that the object's segments take, before bias. */
static void find_range(const struct dl_phdr_info *info, uint64_t *begin, uint64_t *end)
{
    *begin = UINT64_MAX;
    *end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD)
            continue;
        if (segment->p_vaddr < *begin)
            *begin = segment->p_vaddr;
        if (segment->p_vaddr + segment->p_memsz > *end)
            *end = segment->p_vaddr + segment->p_memsz;
    }
}

static void copy_build_id(const struct dl_phdr_info *info, struct ct_board_module *module)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_NOTE)
            continue;
        const char *at = (const char *)info->dlpi_addr + segment->p_vaddr;
        const char *end = at + segment->p_memsz;
        while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *note = (const void *)at;
            const char *name = at + sizeof(*note);
            const char *content = name + (note->n_namesz + 3) / 4 * 4;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
                memcmp(name, "GNU", 4) == 0 && note->n_descsz <= CT_BUILD_ID_MAX) {
                memcpy(module->build_id, content, note->n_descsz);
                module->build_id_size = note->n_descsz;
                return;
            }
            at = content + (note->n_descsz + 3) / 4 * 4;
        }
    }
}

static const struct ct_board_module *find_module(uint64_t begin, const char *path)
{
    uint32_t count = atomic_load(&ct_board->module_count);

    for (uint32_t i = count < CT_BOARD_MAX_MODULES ? count : CT_BOARD_MAX_MODULES; i-- > 0;) {
        const struct ct_board_module *module = ct_table_find(CT_TABLE_MODULES, i);
        if (module != NULL && module->begin == begin)
            return strcmp(module->path, path) == 0 ? module : NULL;
    }
    return NULL;
}

struct scan {
    bool is_first;
    uint64_t lost; /* modules that the board has no room for */
};

static int add_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct scan *scan = data;
    uint64_t begin, end;
    char path[CT_MODULE_PATH_SIZE];
    struct ct_text text = ct_text_begin(path, sizeof(path));

    (void)size;
    if (scan->is_first)
        ct_text_string(&text, ct_board->exe); /* the program has no name of its own */
    else
        ct_text_string(&text, info->dlpi_name[0] != '\0' ? info->dlpi_name : "[vdso]");
    scan->is_first = false;
    atomic_store(&scanned_loads, info->dlpi_adds);
    find_range(info, &begin, &end);
    if (begin >= end || find_module(info->dlpi_addr + begin, path) != NULL)
        return 0;

    /* The loader's lock is held: nobody else takes one. */
    uint32_t index = atomic_load(&ct_board->module_count);
    struct ct_board_module *module = ct_table_get(CT_TABLE_MODULES, index);
    if (module == NULL || (index >= CT_FIRST_MODULES && !ct_memory_back(module, sizeof(*module)))) {
        scan->lost++;
        return 0;
    }
    atomic_store(&ct_board->module_count, index + 1);
    module->begin = info->dlpi_addr + begin;
    module->end = info->dlpi_addr + end;
    module->bias = info->dlpi_addr;
    memcpy(module->path, path, sizeof(path));
    copy_build_id(info, module);
    atomic_store_explicit(&module->is_ready, 1, memory_order_release);
    return 0;
}

void ct_modules_scan(void)
{
    struct scan scan = {.is_first = true};

    dl_iterate_phdr(add_module, &scan);
    /* A module is lost once, however often it is not found. */
    uint64_t lost = atomic_load(&ct_board->modules_lost);
    while (scan.lost > lost &&
           !atomic_compare_exchange_weak(&ct_board->modules_lost, &lost, scan.lost))
        ;
}

bool ct_modules_inherit(const struct ct_board *parent)
{
    uint32_t count = atomic_load(&parent->module_count);

    if (count > CT_FIRST_MODULES)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!parent->modules[i].is_ready)
            return false;
    memcpy(ct_board->modules, parent->modules, count * sizeof(parent->modules[0]));
    atomic_store_explicit(&ct_board->module_count, count, memory_order_release);
    return true;
}

static int find_object(struct dl_phdr_info *info, size_t size, void *wanted)
{
    struct ct_object_range *object = wanted;
    uint64_t begin, end;

    (void)size;
    find_range(info, &begin, &end);
    begin += info->dlpi_addr;
    end += info->dlpi_addr;
    if (object->address < begin || object->address >= end)
        return 0;
    object->begin = begin;
    object->end = end;
    return 1;
}

struct ct_object_range ct_object_range_around(const void *address)
{
    struct ct_object_range object = {.address = (uint64_t)address};

    dl_iterate_phdr(find_object, &object);
    return object;
}

void ct_stack_init(void)
{
    ct_unwind_init();
    own = ct_object_range_around((void *)ct_stack_init);
    /* The first to register stops last and goes on first: others' handlers may take their time. */
    pthread_atfork(stop_loader, go_on_in_parent, go_on_in_child);
}
