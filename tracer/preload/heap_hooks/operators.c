/*
 * The C++ library's operators call malloc and free, and need no hook; but those of an allocator
 * that has its own (jemalloc, tcmalloc, mimalloc) do not. Where it is not so, ours vanish from what
 * the loader finds before it can load another library: else one that is loaded later, with a C++
 * library of its own, would be given ours, and there would be nothing to pass on to.
 */
#include "hooks.h"
#include "sampler.h"

#include <stdlib.h>

#define HOOK __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

#define ROUNDED_UP(size, alignment) (((size) + (alignment)-1) & -(alignment))

/* Where there is nothing to pass on to. */
#define IGNORED __attribute__((unused))

/* F(what it is, its symbol, parameters, arguments, what it is where there is none) */
#define NEW_OPERATORS(F)                                                                           \
    F(new_one, "_Znwm", (size_t size), (size), malloc(size))                                       \
    F(new_many, "_Znam", (size_t size), (size), malloc(size))                                      \
    F(new_one_nothrow, "_ZnwmRKSt9nothrow_t", (size_t size, IGNORED const void *nothrow),          \
      (size, nothrow), malloc(size))                                                               \
    F(new_many_nothrow, "_ZnamRKSt9nothrow_t", (size_t size, IGNORED const void *nothrow),         \
      (size, nothrow), malloc(size))                                                               \
    F(new_one_aligned, "_ZnwmSt11align_val_t", (size_t size, size_t alignment), (size, alignment), \
      aligned_alloc(alignment, ROUNDED_UP(size, alignment)))                                       \
    F(new_many_aligned, "_ZnamSt11align_val_t", (size_t size, size_t alignment),                   \
      (size, alignment), aligned_alloc(alignment, ROUNDED_UP(size, alignment)))                    \
    F(new_one_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t",                               \
      (size_t size, size_t alignment, IGNORED const void *nothrow), (size, alignment, nothrow),    \
      aligned_alloc(alignment, ROUNDED_UP(size, alignment)))                                       \
    F(new_many_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t",                              \
      (size_t size, size_t alignment, IGNORED const void *nothrow), (size, alignment, nothrow),    \
      aligned_alloc(alignment, ROUNDED_UP(size, alignment)))

#define DELETE_OPERATORS(F)                                                                    \
    F(delete_one, "_ZdlPv", (void *block), (block))                                            \
    F(delete_many, "_ZdaPv", (void *block), (block))                                           \
    F(delete_one_sized, "_ZdlPvm", (void *block, IGNORED size_t size), (block, size))          \
    F(delete_many_sized, "_ZdaPvm", (void *block, IGNORED size_t size), (block, size))         \
    F(delete_one_nothrow, "_ZdlPvRKSt9nothrow_t", (void *block, IGNORED const void *nothrow),  \
      (block, nothrow))                                                                        \
    F(delete_many_nothrow, "_ZdaPvRKSt9nothrow_t", (void *block, IGNORED const void *nothrow), \
      (block, nothrow))                                                                        \
    F(delete_one_aligned, "_ZdlPvSt11align_val_t", (void *block, IGNORED size_t alignment),    \
      (block, alignment))                                                                      \
    F(delete_many_aligned, "_ZdaPvSt11align_val_t", (void *block, IGNORED size_t alignment),   \
      (block, alignment))                                                                      \
    F(delete_one_sized_aligned, "_ZdlPvmSt11align_val_t",                                      \
      (void *block, IGNORED size_t size, IGNORED size_t alignment), (block, size, alignment))  \
    F(delete_many_sized_aligned, "_ZdaPvmSt11align_val_t",                                     \
      (void *block, IGNORED size_t size, IGNORED size_t alignment), (block, size, alignment))  \
    F(delete_one_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t",                       \
      (void *block, IGNORED size_t alignment, IGNORED const void *nothrow),                    \
      (block, alignment, nothrow))                                                             \
    F(delete_many_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t",                      \
      (void *block, IGNORED size_t alignment, IGNORED const void *nothrow),                    \
      (block, alignment, nothrow))

static void find_all(void);

#define DECLARE_NEW(id, symbol, params, args, instead)                     \
    HOOK void *id params __asm__(symbol);                                  \
    static void *lacking_##id params                                       \
    {                                                                      \
        return instead;                                                    \
    }                                                                      \
    static void *first_##id params;                                        \
    static bool is_own_##id; /* what it gives is not seen by our malloc */ \
    static void *(*next_##id)params = first_##id;                          \
    static void *first_##id params                                         \
    {                                                                      \
        find_all();                                                        \
        return next_##id args;                                             \
    }
NEW_OPERATORS(DECLARE_NEW)

#define DECLARE_DELETE(id, symbol, params, args) \
    HOOK void id params __asm__(symbol);         \
    static void lacking_##id params              \
    {                                            \
        free(block);                             \
    }                                            \
    static void first_##id params;               \
    static bool is_own_##id;                     \
    static void(*next_##id) params = first_##id; \
    static void first_##id params                \
    {                                            \
        find_all();                              \
        next_##id args;                          \
    }
DELETE_OPERATORS(DECLARE_DELETE)

#define ADDRESS(id, ...) (const void *)id,
static const void *const hooks[] = {NEW_OPERATORS(ADDRESS) DELETE_OPERATORS(ADDRESS)};

static void find_all(void)
{
    const void *allocator = ct_hooks_allocator();

#define FIND(id, symbol, ...)                                                 \
    *(void **)&next_##id = ct_heap_find_next(symbol, (const void *)id);       \
    is_own_##id = allocator != NULL && next_##id != NULL &&                   \
                  ct_heap_is_of_one_library(*(void **)&next_##id, allocator); \
    if (next_##id == NULL)                                                    \
        next_##id = lacking_##id;
    NEW_OPERATORS(FIND)
    DELETE_OPERATORS(FIND)
    if (!is_own_new_one)
        ct_heap_hide_hooks(hooks, sizeof(hooks) / sizeof(hooks[0]));
}

/* Before the program can load another library. */
static __attribute__((constructor)) void begin(void)
{
    if (next_new_one == first_new_one)
        find_all();
}

/* An allocator's own operator may yet call malloc: then it is counted already. */
#define DEFINE_NEW(id, symbol, params, args, instead)                                 \
    void *id params                                                                   \
    {                                                                                 \
        if (CT_LIKELY(!is_own_##id))                                                  \
            return next_##id args;                                                    \
        const struct ct_countdown *countdown = &ct_countdown;                         \
        uint64_t remaining = countdown->remaining;                                    \
        uint32_t decisions = countdown->decisions;                                    \
        void *block = next_##id args;                                                 \
        if (countdown->remaining == remaining && countdown->decisions == decisions && \
            CT_UNLIKELY(!ct_passes_over(size)))                                       \
            ct_sample(block, size, SITE);                                             \
        return block;                                                                 \
    }
NEW_OPERATORS(DEFINE_NEW)

#define DEFINE_DELETE(id, symbol, params, args)      \
    void id params                                   \
    {                                                \
        if (is_own_##id && ct_may_be_sampled(block)) \
            ct_sample_free(block);                   \
        next_##id args;                              \
    }
DELETE_OPERATORS(DEFINE_DELETE)
